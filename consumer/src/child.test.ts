import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { readShardCounts } from './counters/shard-counts.ts';
import { BlockWatch } from './daemon/block-watch.ts';
import { decodeBatchBytes, decodeBatchIndex } from './set-aside/batch-file.ts';
import { type DaemonSide, lineBlock, records, startChild } from './testing/child-bench.ts';

test('a process on the daemon protocol archives, indexes and checkpoints, and leaves when its input ends', async (t) => {
  const { daemon, objects, bulks } = await startChild(t);
  assert.deepEqual(await daemon.call(records(1, 2, 3)), []);
  let sent: unknown[] = [];
  let refused = 0;
  while (sent.length === 0) {
    // Empty calls go on coming; the first checkpoint is refused and has to be sent again.
    sent = await daemon.call(records(), () => (refused++ === 0 ? 'ThrottlingException' : undefined));
  }
  assert.deepEqual(sent, ['3']);
  assert.equal(objects.size, 1);
  assert.ok(bulks.join('').includes('line 2'));
  daemon.child.stdin.end();
  assert.deepEqual(await daemon.exit, [0, null]);
  assert.ok(daemon.log.includes('"leaving":true'));
});

test('what any library prints to stdout goes to the log, not between the messages', async (t) => {
  const noise = 'process.stdin.on("data", () => console.log("{\\"action\\":\\"noise\\"}"))';
  const hook = `data:text/javascript,${encodeURIComponent(`setTimeout(() => {${noise}}, 0)`)}`;
  const { daemon } = await startChild(t, { NODE_OPTIONS: `--import ${hook}` });
  for (const sequence of [1, 2]) assert.deepEqual(await daemon.call(records(sequence)), []);
  assert.match(daemon.log, /"action":"noise"/);
});

test('counts of events go to the log, each once, all of them before the process leaves', async (t) => {
  const { daemon } = await startChild(t, {}, { counters: { dimensions: [['tag']] } });
  await daemon.call(records(1, 2, 3));
  await daemon.call({ action: 'shutdownRequested' });
  daemon.child.stdin.end();
  await daemon.exit;
  const minute = Math.floor(1_770_000_000 / 60);
  const counts = daemon.log.split('\n').flatMap((line) => readShardCounts(line, 1) ?? []);
  assert.equal(
    counts.reduce((sum, { events }) => sum + events, 0),
    3,
  );
  for (const count of counts) assert.deepEqual([count.minute, count.values], [minute, ['t.0']]);
});

test('signals are left to the daemon: the process takes none and closes its objects when asked', async (t) => {
  const { daemon, objects } = await startChild(t);
  await daemon.call(records(1));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) daemon.child.kill(signal);
  assert.deepEqual(await daemon.call({ action: 'shutdownRequested' }), ['1']);
  assert.equal(objects.size, 1);
  assert.deepEqual(await daemon.call({ action: 'leaseLost' }), []);
  daemon.child.stdin.end();
  assert.deepEqual(await daemon.exit, [0, null]);
});

test('a shard that ended is checkpointed at its end', async (t) => {
  const { daemon, objects } = await startChild(t);
  await daemon.call(records(1, 2));
  assert.deepEqual(await daemon.call({ action: 'shardEnded' }), ['end']);
  assert.equal(objects.size, 1);
});

test('a shard that ended and cannot be checkpointed ends the process, unanswered', async (t) => {
  const { daemon } = await startChild(t);
  await daemon.call(records(1));
  await assert.rejects(
    daemon.call({ action: 'shardEnded' }, () => 'ShutdownException'),
    /the child ended/,
  );
  assert.deepEqual(await daemon.exit, [1, null]);
});

test('a checkpoint names a sequence number, and goes with the next call, be it an empty one', async (t) => {
  const { daemon, objects } = await startChild(t);
  await daemon.call(records(1, 2));
  while (objects.size === 0) await delay(50);
  const sent: unknown[] = [];
  await daemon.call(records(), (checkpoint) => {
    sent.push(checkpoint);
    return undefined;
  });
  assert.deepEqual(sent, [{ action: 'checkpoint', sequenceNumber: '2' }]);
});

test('after ShutdownException a process goes on answering and writes nothing more', async (t) => {
  const { daemon, objects } = await startChild(t);
  await daemon.call(records(1));
  while (objects.size === 0) await delay(50);
  assert.deepEqual(await daemon.call(records(2), () => 'ShutdownException'), []);
  await daemon.call(records(3));
  await delay(1500); // its object would be there by now
  assert.equal(objects.size, 1);
  assert.deepEqual(await daemon.call({ action: 'leaseLost' }), []);
  daemon.child.stdin.end();
  assert.deepEqual(await daemon.exit, [0, null]);
});

/** Backtracks for longer than anybody waits, where the runtime is not told to change engines (as in production). */
const hangingRule = '{"parse":{"expression":"^(?<x>(a+)+)$","type":"regexp"},"v":1}';

test('a block that its process never comes back from is tried twice, then set aside, and the shard goes on', async (t) => {
  const { daemon, again, folder, objects } = await startChild(t);
  const bytes = lineBlock(`${'a'.repeat(60)}b`, 200, hangingRule);
  const call = records(1, 2, 3);
  Object.assign((call.records as object[])[1] ?? {}, { data: bytes.toString('base64') });
  const watch = new BlockWatch(folder, systemClock, 1_000);
  let current: DaemonSide = daemon;
  for (const deaths of [0, 1]) {
    current.send(call);
    let found = watch.hanging();
    while (found.length === 0) {
      await delay(100);
      found = watch.hanging();
    }
    const { pid } = current.child;
    assert.deepEqual(found, [{ shard: 'shardId-000000000000', pid, record: '2.0', deaths }]);
    current.child.stdin.end(); // it does not notice
    assert.deepEqual(watch.stopStale(), [pid]);
    assert.deepEqual(await current.exit, [null, 'SIGKILL']);
    current = await again();
  }
  await current.call(call);
  let sent: unknown[] = [];
  while (sent.at(-1) !== '3') {
    sent = await current.call(records());
    await delay(50);
  }
  const [aside] = [...objects].filter(([key]) => key.includes('/set-aside/'));
  const stored = aside?.[1] ?? Buffer.alloc(0);
  assert.deepEqual(decodeBatchBytes(stored, 'object'), bytes);
  assert.equal(decodeBatchIndex(stored, 'object')[0]?.reason, 'fatal');
});
