import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { consumerEvents } from '../events.ts';
import { isAlive } from './alive.ts';
import type { Hanging } from './block-watch.ts';
import { Daemon } from './daemon.ts';
import { ShardMetrics } from './shard-metrics.ts';

/** Stands for the JVM: starts one shard's process, passes its log on, and does this when it has ended. */
const jvm = (shardEnded: string) => `
const { spawn } = require('node:child_process');
const child = spawn(process.execPath, [process.argv[2]], { stdio: ['pipe', 'ignore', 'pipe'] });
child.stderr.on('data', (data) => process.stderr.write(data));
child.on('exit', () => ${shardEnded});
process.on('SIGTERM', () => {});
`;

/** The real one waits shutdownGraceMillis for the thread that is exiting; this one for ever. */
const waitingJvm = (folder: string) =>
  writeFileSync(join(folder, 'jvm.cjs'), jvm('setInterval(() => {}, 1000)'));

const status = `
const report = () => process.stderr.write(JSON.stringify(
  { event: 'shard_status', shard: 's', pid: process.pid, metrics: [] }) + '\\n');
report();
`;

async function setUp(t: TestContext, shard: string, prepare: (folder: string) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace daemon '));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'jvm.cjs'), jvm('process.exit(0)'));
  writeFileSync(join(folder, 'shard.cjs'), status + shard);
  prepare(folder);
  const shards = new ShardMetrics(systemClock);
  const hanging: Hanging[] = [];
  const telemetry = createTelemetry('consumer', consumerEvents, createLogger('test', 'silent'));
  const daemon = new Daemon({
    bin: process.execPath,
    args: [join(folder, 'jvm.cjs'), join(folder, 'shard.cjs')],
    folder,
    env: {},
    clock: systemClock,
    telemetry,
    shards,
    hanging: () => hanging.splice(0),
    stopMsMax: 20_000,
    onLine: (line) => shards.take(line),
  });
  const running = daemon.run();
  t.after(() => daemon.stop());
  const shardPid = async (other?: number) => {
    for (;;) {
      const pid = shards.pids().find((candidate) => candidate !== other);
      if (pid !== undefined) return pid;
      await delay(20);
    }
  };
  const count = async (name: string) =>
    (await telemetry.registry.getSingleMetricAsString(`millrace_consumer_${name}_total`)).split(' ').at(-1);
  return { daemon, running, shards, shardPid, hanging, count };
}

test('a stop reaches the shards too, so that one whose call waits can let go of it', async (t) => {
  const { daemon, running, shardPid, count } = await setUp(
    t,
    `process.on('SIGTERM', () => process.exit(0)); setInterval(report, 100);`,
  );
  await shardPid();
  await daemon.stop();
  await running;
  assert.equal(await count('daemon_killed'), '0');
});

test('a process that hangs at a block is killed, and the daemon begins anew', async (t) => {
  const { shardPid, hanging, count } = await setUp(t, 'for (;;);');
  const pid = await shardPid();
  hanging.push({ shard: 's', pid, record: '1.0', deaths: 0 });
  assert.notEqual(await shardPid(pid), pid);
  assert.equal(await count('block_hung'), '1');
});

test('a JVM that waits although a process of its shards is gone is killed, and the daemon begins anew', async (t) => {
  const { daemon, shardPid, count } = await setUp(t, 'setInterval(report, 100);', waitingJvm);
  const pid = await shardPid();
  const jvmPid = daemon.pid;
  assert.ok(jvmPid);
  process.kill(pid, 'SIGKILL');
  await shardPid(pid);
  assert.notEqual(daemon.pid, jvmPid);
  assert.equal(isAlive(jvmPid), false);
  assert.equal(await count('shard_crashed'), '1');
});

test('a process that says nothing any more is killed, and its JVM too', async (t) => {
  const { daemon, shards, shardPid, count } = await setUp(t, 'setInterval(() => {}, 1000);', waitingJvm);
  const pid = await shardPid();
  const jvmPid = daemon.pid;
  assert.ok(jvmPid);
  t.mock.method(shards, 'hung', () => ({ shard: 's', pid }), { times: 1 });
  await shardPid(pid);
  assert.equal(isAlive(pid), false);
  assert.equal(isAlive(jvmPid), false);
  assert.notEqual(daemon.pid, jvmPid);
  assert.equal(await count('shard_hung'), '1');
});

test('a process that hangs does not outlive its daemon', async (t) => {
  const { daemon, shardPid } = await setUp(t, 'for (;;);');
  const pid = await shardPid();
  const jvmPid = daemon.pid;
  assert.ok(jvmPid);
  process.kill(jvmPid, 'SIGKILL');
  await shardPid(pid);
  assert.equal(isAlive(pid), false);
});

test('a daemon whose pid cannot be recorded does not go on unknown', async (t) => {
  const { daemon, running } = await setUp(t, 'setInterval(report, 100);', (folder) =>
    mkdirSync(join(folder, 'daemon.pid')),
  );
  const jvmPid = daemon.pid;
  assert.ok(jvmPid);
  await assert.rejects(running);
  while (isAlive(jvmPid)) await delay(20);
});
