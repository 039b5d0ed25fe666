import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { stackPaths } from '../../local/config-files.ts';
import { identify } from '../../local/identity.ts';
import { writeRunFile } from '../../local/run-file.ts';
import { parseCommand } from '../command.ts';
import { status } from './status.ts';

/** The status of a stack whose supervisor is gone, with a process of it that still runs. */
async function world(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-status-'));
  const child = spawn('sleep', ['300']);
  await once(child, 'spawn');
  const paths = stackPaths(folder);
  mkdirSync(paths.logs, { recursive: true });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const { pid = 0 } = child;
  const [name, state, ports] = ['kinesis', 'ready', [6701]] as const;
  const part = { name, state, ports: [...ports], pid, note: undefined, restarts: 0, readySince: 1 };
  writeRunFile(paths, {
    supervisor: { pid: process.ppid, started: 'long ago' },
    portBase: 6700,
    url: 'http://127.0.0.1:6700',
    startedAt: 5,
    ready: true,
    parts: [{ ...part, identity: identify(pid) }],
  });
  const ask = async (...args: string[]) => {
    let said = '';
    const say = (text: string) => {
      said += text;
    };
    const context = {
      root: folder,
      cwd: folder,
      env: {},
      clock: systemClock,
      stdout: say,
      stderr: say,
      write: async () => {},
      tty: false,
    };
    const code = await status.run(context, parseCommand(status, ['--data', folder, ...args]));
    return { code, said };
  };
  return { ask, child, pid };
}

test('processes that run on without their supervisor are no stack, and not nothing either', async (t) => {
  const { ask, child, pid } = await world(t);
  const { code, said } = await ask();
  assert.match(said, /supervisor of .* is gone, and 1 of its processes run on: .*millrace down ends them/);
  assert.equal(code, 1);
  const { running, orphans } = JSON.parse((await ask('--json')).said);
  assert.deepEqual([running, orphans], [false, [pid]]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const after = await ask();
  assert.match(after.said, /nothing runs in .*millrace up starts it/);
  assert.equal(after.code, 3);
});
