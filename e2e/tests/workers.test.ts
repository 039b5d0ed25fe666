import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '../harness/archive.ts';
import { leaseOwners } from '../harness/leases.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { openShards, reshard, splitTo } from '../harness/shards.ts';
import { eventually, healthy, stackUnderTest } from '../harness/stack.ts';
import { Worker } from '../harness/worker.ts';

const stack = stackUnderTest();

/** Writes lines into two files until it is told to stop, whatever happens to everything else. */
function startWriting(name: string) {
  const folder = join(stack.logs, name);
  mkdirSync(folder);
  const token = `${name}${process.pid}`;
  const files = ['a.log', 'b.log'].map((file) => join(folder, file));
  const expected: string[] = [];
  const timer = setInterval(() => {
    for (const file of files) {
      const lines = Array.from({ length: 10 }, (_, i) => `${token} line ${expected.length + i}`);
      appendFileSync(file, `${lines.join('\n')}\n`);
      expected.push(...lines);
    }
  }, 100);
  return { token, files, expected, stop: () => clearInterval(timer) };
}

/** At the end: every line once in search, in each file by offset, every byte in the archive. */
async function account({ token, files, expected }: ReturnType<typeof startWriting>): Promise<void> {
  await countReaches(stack, token, expected.length, 120);
  await delay(5000); // a duplicate would come now
  const hits = await assertExactlyOnce(stack, token, expected);
  for (const file of files) {
    const inOrder = hits.filter((hit) => hit.file === file).sort((a, b) => a.offset - b.offset);
    const content = readFileSync(file);
    const found = inOrder.map((hit) => hit.message);
    assert.deepEqual(found, content.toString().trimEnd().split('\n'), `${file} by offset`);
    await eventually(`every byte of ${file} is archived`, 90, async () => {
      const archived = await readArchive(stack, (path) => path === file);
      return archived.length === 1 && archived[0]?.bytes.equals(content) ? true : undefined;
    });
  }
}

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
  const writer = startWriting('workers');
  t.after(writer.stop);
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
  await account(writer);
  await healthy(stack);
});
