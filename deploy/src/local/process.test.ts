import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { identify, isAlive } from './identity.ts';
import { type PartSpec, startPart, waitReady } from './process.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-process-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A part that runs a line of JavaScript. */
function script(name: string, code: string, changes: Partial<PartSpec> = {}): [PartSpec, string] {
  const log = join(folder, `${name}.log`);
  const spec: PartSpec = {
    name,
    command: process.execPath,
    args: ['-e', code],
    env: process.env,
    cwd: folder,
    ports: [],
    ready: async () => readFileSync(log, 'utf8').includes('serving'),
    startMsMax: 20_000,
    stopMsMax: 20_000,
    ...changes,
  };
  return [spec, log];
}

const forever = 'setInterval(() => {}, 1000); console.log("serving");';

test('a part is ready when it says so, and stops at SIGTERM', async () => {
  const [spec, log] = script('good', `process.on('SIGTERM', () => process.exit(0)); ${forever}`);
  const part = await startPart(spec, log, systemClock);
  await waitReady(spec, part, log, systemClock);
  assert.ok(isAlive(identify(part.pid)));
  assert.deepEqual(await part.stop(), { code: 0, signal: null });
});

test('a part that ignores SIGTERM is killed after its grace', async () => {
  const [spec, log] = script('deaf', `process.on('SIGTERM', () => {}); ${forever}`, { stopMsMax: 50 });
  const part = await startPart(spec, log, systemClock);
  await waitReady(spec, part, log, systemClock);
  assert.deepEqual(await part.stop(), { code: null, signal: 'SIGKILL' });
});

test('what a part started does not outlive it', async () => {
  const code = `const c = require('child_process').spawn('sleep', ['300']); console.log('child=' + c.pid); ${forever}`;
  const [spec, log] = script('parent', code);
  const part = await startPart(spec, log, systemClock);
  await waitReady(spec, part, log, systemClock);
  const child = identify(Number(/child=(\d+)/.exec(readFileSync(log, 'utf8'))?.[1]));
  assert.ok(isAlive(child));
  process.kill(part.pid, 'SIGKILL'); // that one process, and not its group
  await part.exited;
  while (isAlive(child)) await systemClock.sleep(5);
});

test('a part that ends instead of serving fails with its last words', async () => {
  const [spec, log] = script('broken', 'console.error("no such table"); process.exit(3)');
  const part = await startPart(spec, log, systemClock);
  await assert.rejects(
    waitReady(spec, part, log, systemClock),
    (error) =>
      isMillraceError(error, 'ENGINE_FAILED') && /exited with code 3: no such table/.test(error.message),
  );
});

test('a part that never serves is given up at its deadline', async () => {
  const [spec, log] = script('slow', 'setInterval(() => {}, 1000)', { startMsMax: 1 });
  const part = await startPart(spec, log, systemClock);
  await assert.rejects(waitReady(spec, part, log, systemClock), (error) =>
    isMillraceError(error, 'DEADLINE'),
  );
  part.kill();
  await part.exited;
});

test('a program that does not exist is a sentence', async () => {
  const [spec, log] = script('nowhere', '', { command: '/nonexistent/program' });
  await assert.rejects(startPart(spec, log, systemClock), (error) => isMillraceError(error, 'ENGINE_FAILED'));
});
