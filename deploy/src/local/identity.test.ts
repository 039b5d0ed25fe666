import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { findOrphans, identify, isAlive, stackVariable } from './identity.ts';

test('a process is alive, and the same pid with another start is not it', () => {
  const self = identify(process.pid);
  assert.ok(isAlive(self));
  assert.ok(!isAlive({ pid: process.pid, started: 'another time' }));
  assert.ok(!isAlive({ pid: process.pid, started: undefined }));
});

test('what ended is not alive', async () => {
  const child = spawn('sleep', ['300']);
  await once(child, 'spawn');
  assert.ok(child.pid);
  const identity = identify(child.pid);
  assert.ok(isAlive(identity));
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(!isAlive(identity));
});

test('orphans are the recorded processes that still run, and no stranger with a reused pid', async () => {
  const child = spawn('sleep', ['300']);
  await once(child, 'spawn');
  assert.ok(child.pid);
  const recorded = [identify(child.pid), { pid: process.ppid, started: 'long ago' }];
  assert.deepEqual(findOrphans('/nowhere', recorded), [child.pid]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(findOrphans('/nowhere', recorded), []);
});

// Elsewhere there is no /proc to look into, and stack.json alone has to do.
if (process.platform === 'linux') {
  test('a process that nobody recorded is found by its mark', async () => {
    const folder = `/nowhere/${process.pid}`;
    const child = spawn('sleep', ['300'], { env: { ...process.env, [stackVariable]: folder } });
    await once(child, 'spawn');
    assert.deepEqual(findOrphans(folder, []), [child.pid]);
    assert.deepEqual(findOrphans(`${folder}/other`, []), []);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
}
