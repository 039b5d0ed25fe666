import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { disasters } from '../../game-day/disasters/all.ts';
import { type CliContext, parseCommand } from '../command.ts';
import { gameDay } from './game-day.ts';

async function run(...args: string[]): Promise<string> {
  let out = '';
  const context = {
    root: '/nowhere',
    cwd: '/nowhere',
    stdout: (text: string) => (out += text),
  } as unknown as CliContext;
  await gameDay.run(context, parseCommand(gameDay, args));
  return out;
}

test('docs/operations/game-day.md tells of exactly the disasters that there are, in their order', () => {
  const page = readFileSync(new URL('../../../../docs/operations/game-day.md', import.meta.url), 'utf8');
  const told = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(
    told,
    disasters.map(({ name }) => name),
  );
});

test('disasters are chosen and left out by name, and done in their own order', async () => {
  const names = (text: string) => [...text.matchAll(/^[a-z-]+$/gm)].map(String);
  assert.deepEqual(
    names(await run('--list')),
    disasters.map(({ name }) => name),
  );
  assert.deepEqual(names(await run('--list', 'leases-lost', 'store-lost')), ['store-lost', 'leases-lost']);
  assert.ok(!names(await run('--list', '--without', 'disk-full')).includes('disk-full'));
  await assert.rejects(run('store-lots'), { code: 'USAGE', message: /did you mean store-lost\?/ });
  await assert.rejects(run('--without', 'x'), { code: 'USAGE' });
});

test('a folder that has something in it is left as it is', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-game-day-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'precious'), 'of somebody else');
  await assert.rejects(run('--data', dir), { code: 'USAGE', message: /is not empty/ });
  assert.deepEqual(readdirSync(dir), ['precious']);
});
