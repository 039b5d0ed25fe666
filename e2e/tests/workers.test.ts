import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { leaseOwners } from '../harness/leases.ts';
import { countReaches } from '../harness/search.ts';
import { openShards, reshard, splitTo } from '../harness/shards.ts';
import { eventually, healthy, stackUnderTest } from '../harness/stack.ts';
import { assertAccounted, startWriting } from '../harness/steady-writer.ts';
import { Worker } from '../harness/worker.ts';

const stack = stackUnderTest();

/** Owners of the leases of shards that are open. */
async function owners(): Promise<Map<string, string>> {
  const [open, all] = [await openShards(stack), await leaseOwners(stack)];
  return new Map(open.map(({ ShardId = '' }) => [ShardId, all.get(ShardId) ?? '']));
}

const holds = (now: Map<string, string>, worker: Worker) =>
  [...now].filter(([, owner]) => owner.endsWith(worker.id)).map(([shard]) => shard);

function startWorkers(t: TestContext, ...names: string[]): Worker[] {
  const workers = names.map((name) => new Worker(stack, name));
  t.after(() => Promise.all(workers.map((worker) => worker.kill().catch(() => undefined))));
  for (const worker of workers) worker.start();
  return workers;
}

test('three workers share the shards through splits, merges, a kill -9 and a stop: each line once, each byte archived', async (t) => {
  const writer = startWriting(t, stack, 'workers');
  const [killed, stopped] = startWorkers(t, 'killed-worker', 'stopped-worker') as [Worker, Worker];
  await splitTo(stack, 6);
  await eventually('three workers share six shards', 240, async () => {
    const now = await owners();
    const [first, second] = [holds(now, killed).length, holds(now, stopped).length];
    const rest = [...now.values()].filter((owner) => owner !== '').length - first - second;
    return first > 0 && second > 0 && rest > 0 && rest + first + second === now.size ? now : undefined;
  });

  const lost = holds(await owners(), killed);
  await killed.kill();
  await eventually('others have the shards of the killed worker', 120, async () => {
    const now = await owners();
    return lost.every((shard) => now.get(shard) && !holds(now, killed).includes(shard)) ? now : undefined;
  });
  // What the dead worker had read and not archived is read again.
  await countReaches(stack, writer.token, writer.expected.length, 120);

  t.diagnostic(await reshard(stack, 1, () => 0));
  // Lease and process are two things: one that was taken a moment ago has nothing to hand over yet.
  const handed = await eventually('the worker that stops processes all shards it holds', 60, async () => {
    const held = holds(await owners(), stopped);
    const times = (event: string, shard: string) =>
      stopped.events(event).flatMap((item) => (item.shard === shard ? [String(item.time)] : []));
    const ofThis = (shard: string) =>
      (times('shard_started', shard).at(-1) ?? '') > (times('shard_released', shard).at(-1) ?? '');
    return held.length > 0 && held.every(ofThis) ? held : undefined;
  });
  assert.equal(await stopped.stop(), 0);
  const released = stopped.events('shard_released');
  for (const shard of handed) {
    const event = released.findLast((item) => item.shard === shard);
    assert.equal(event?.complete, true, `${shard} was handed over with everything archived`);
  }
  assert.deepEqual(stopped.events('daemon_killed'), [], 'nothing had to be killed');
  await eventually('the one that is left has all shards', 120, async () => {
    const now = await owners();
    const others = [...now.values()].filter((owner) => owner !== '' && !owner.endsWith(stopped.id));
    return others.length === now.size ? now : undefined;
  });
  await delay(3000);
  writer.stop();
  await assertAccounted(stack, writer);
  await healthy(stack);
});
