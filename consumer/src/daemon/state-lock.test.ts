import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { recordPid, stopOrphan } from './orphan.ts';
import { lockState } from './state-lock.ts';
import { workerId } from './worker-id.ts';

test('a state folder has one consumer; a pid that is somebody else now does not count', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = 'process.stdout.write("up"); setInterval(() => {}, 1000)';
  const other = spawn(process.execPath, ['-e', script, '--', 'consumer/src/main.ts']);
  t.after(() => other.kill('SIGKILL'));
  await once(other.stdout, 'data');
  writeFileSync(join(folder, 'main.pid'), `${other.pid}\n`);
  assert.throws(() => lockState(folder), { code: 'STATE_LOCKED' });
  other.kill('SIGKILL');
  await once(other, 'exit');
  lockState(folder);
  assert.equal(readFileSync(join(folder, 'main.pid'), 'utf8'), `${process.pid}\n`);
});

test('only a daemon with our properties file is stopped as an orphan', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'kcl.properties');
  const daemon = spawn(process.execPath, [
    '-e',
    'process.stdout.write("up"); setInterval(() => {}, 1000)',
    '--',
    file,
  ]);
  t.after(() => daemon.kill('SIGKILL'));
  await once(daemon.stdout, 'data');
  recordPid(folder, daemon.pid ?? 0);
  assert.equal(await stopOrphan(folder, join(folder, 'another'), systemClock), undefined);
  assert.equal(daemon.exitCode, null);
  const exit = once(daemon, 'exit');
  assert.equal(await stopOrphan(folder, file, systemClock), daemon.pid);
  assert.deepEqual(await exit, [null, 'SIGKILL']);
  assert.equal(await stopOrphan(folder, file, systemClock), undefined);
});

test('a worker keeps its name in its state folder, and a copied folder on another host is another worker', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const name = workerId(folder, 'web 1');
  assert.match(name, /^web-1-[0-9a-f-]{36}$/);
  assert.equal(workerId(folder, 'web 1'), name);
  assert.notEqual(workerId(folder, 'web-2'), name);
});
