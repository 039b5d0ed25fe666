import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { lock, tryLock } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a lock has one holder, and is free when it is released', () => {
  const path = join(folder, 'one');
  const held = tryLock(path);
  assert.ok(held);
  assert.equal(tryLock(path), undefined);
  held.release();
  const again = tryLock(path);
  assert.ok(again);
  again.release();
});

test('a lock of a killed process is free, and who waits gets it', async () => {
  const path = join(folder, 'two');
  const code = `import { tryLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
    globalThis.held = tryLock(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  assert.equal(tryLock(path), undefined);
  let waited = 0;
  const waiting = lock(path, systemClock, () => {
    waited++;
    child.kill('SIGKILL');
  });
  (await waiting).release();
  assert.equal(waited, 1);
});
