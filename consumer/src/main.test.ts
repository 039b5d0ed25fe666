import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('catastrophic expressions come back in the main process, however it was started', () => {
  const program = fileURLToPath(new URL('./main.ts', import.meta.url));
  const hook = `process.on('exit', () => /^(a+)+$/.test('a'.repeat(60) + 'b'))`;
  const { status, signal } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, program, '--help'],
    { timeout: 20_000, killSignal: 'SIGKILL' },
  );
  assert.deepEqual([status, signal], [0, null]);
});
