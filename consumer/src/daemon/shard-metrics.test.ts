import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { ShardMetrics } from './shard-metrics.ts';

/** No process has this pid. */
const gone = 2 ** 22 + 1;

const line = (shard: string, value: number, pid = gone, leaving?: true) =>
  JSON.stringify({
    event: 'shard_status',
    shard,
    pid,
    leaving,
    metrics: [{ name: 'n_total', help: 'N.', type: 'counter', values: [{ value, labels: { kind: 'a"b' } }] }],
  });

test('metrics of several shards become one metric with a line for each', () => {
  const metrics = new ShardMetrics(virtualClock());
  assert.ok(metrics.take(line('s-1', 3)));
  assert.ok(metrics.take(line('s-2', 4)));
  assert.ok(metrics.take(line('s-1', 5)));
  assert.equal(
    metrics.text(),
    '# HELP n_total N.\n# TYPE n_total counter\nn_total{kind="a\\"b",shard="s-1"} 5\nn_total{kind="a\\"b",shard="s-2"} 4\n',
  );
});

test('a shard that went silent is no longer reported', async () => {
  const clock = virtualClock();
  const metrics = new ShardMetrics(clock);
  metrics.take(line('s-1', 3));
  await clock.advance(30_001);
  assert.deepEqual(metrics.shards(), []);
  assert.equal(metrics.text(), '');
});

test('a process that runs and says nothing for a minute hangs; a pause of the whole machine is none', async () => {
  const clock = virtualClock();
  const metrics = new ShardMetrics(clock);
  const look = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(1_000);
      const hung = metrics.hung();
      if (hung !== undefined) return hung;
    }
    return undefined;
  };
  metrics.take(line('s-1', 3));
  metrics.take(line('s-2', 3, process.pid));
  assert.equal(await look(58), undefined);
  await clock.advance(600_000);
  assert.equal(await look(58), undefined, 'all stood still, who looks too');
  assert.deepEqual(await look(10), { shard: 's-2', pid: process.pid });
  assert.deepEqual(metrics.shards(), ['s-2'], 'and it still counts as a shard of ours');
  assert.deepEqual(metrics.pids(), [process.pid]);
});

test('a process that is gone has crashed, unless it said that it leaves', () => {
  const metrics = new ShardMetrics(virtualClock());
  metrics.take(line('s-1', 3, process.pid));
  assert.equal(metrics.crashed(), undefined);
  metrics.take(line('s-2', 3));
  assert.equal(metrics.crashed(), 's-2');
  metrics.take(line('s-2', 3, gone + 1, true));
  assert.equal(metrics.crashed(), 's-2', 'the word of another process of the shard');
  metrics.take(line('s-2', 3, gone, true));
  assert.equal(metrics.crashed(), undefined);
});

test('a process that got the pid of one that reported is none of ours', () => {
  let start = '100';
  const metrics = new ShardMetrics(virtualClock(), () => start);
  metrics.take(line('s-1', 3, process.pid));
  assert.deepEqual(metrics.pids(), [process.pid]);
  start = '200';
  assert.deepEqual(metrics.pids(), [], 'who kills what is left would kill a stranger');
});

test('other lines and torn reports are left to the log', () => {
  const metrics = new ShardMetrics(virtualClock());
  for (const other of [
    'INFO x',
    '{"event":"shard_started"}',
    line('s', 1).slice(0, 60),
    '{"event":"shard_status"}',
  ]) {
    assert.equal(metrics.take(other), false, other);
  }
});
