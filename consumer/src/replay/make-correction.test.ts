import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { smallArchive } from '../testing/small-archive.ts';
import { type CorrectionTools, makeCorrection } from './make-correction.ts';
import { parseReplayArgs } from './request.ts';

function made(t: TestContext, draft: object, inline = false) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-correct-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'correct.json');
  writeFileSync(file, JSON.stringify(draft));
  const archive = smallArchive();
  archive.add({ blocks: [['a']] });
  const said: string[] = [];
  const context = {
    config: { state_dir: folder, filler: { read_bytes: 1_048_576 }, archive: { prefix: '' } },
    clock: systemClock,
    signal: new AbortController().signal,
    tty: false,
    stderr: (text: string) => said.push(text),
    stdout: async (text: string) => void said.push(text),
  };
  const store = { marked: async () => new Set() };
  const tools = { objects: archive.objects, store, context } as unknown as CorrectionTools;
  const flags = parseReplayArgs(['--correct', inline ? JSON.stringify(draft) : file, '--dry-run'], 0);
  return { archive, said, make: () => makeCorrection(flags, tools) };
}

test('a selection of nothing is refused, and does not erase everything', async (t) => {
  for (const select of [{}, { tag: [] }, { tag: [], host: [], file: [] }]) {
    const { make } = made(t, { reason: 'r', select, drop: true });
    await assert.rejects(make(), { code: 'CONFIG_INVALID', message: /select is empty/ });
  }
});

test('a correction may be given as it is, without a file', async (t) => {
  const { said, make } = made(t, { reason: 'r', select: { tag: '*' }, drop: true }, true);
  assert.equal(await make(), 0);
  assert.match(said.join(''), /1 sources in 1 objects would be corrected/);
  const { make: unclear } = made(t, { reason: 'r', select: { tag: '*' } }, true);
  await assert.rejects(unclear(), { code: 'CONFIG_INVALID', message: /^--correct: it needs either/ });
});

test('an object that cannot be read, and so is not corrected, is a failure', async (t) => {
  const { archive, said, make } = made(t, { reason: 'r', select: { tag: '*' }, drop: true });
  assert.equal(await make(), 0);
  assert.match(said.join(''), /1 sources in 1 objects would be corrected/);
  const object = archive.objects.objects.get(archive.add({ blocks: [['b']] }));
  object?.bytes.fill(0, object.bytes.length - 40);
  assert.equal(await make(), 1);
});
