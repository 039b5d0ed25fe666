import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { leaseOwners } from '../harness/leases.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { openShards, reshard } from '../harness/shards.ts';
import { eventually, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();

test('a shard is split and its halves are merged while lines flow: all are read, each line is there once', async () => {
  const folder = join(stack.logs, 'split');
  mkdirSync(folder);
  const token = `split${process.pid}`;
  const expected: string[] = [];
  const writer = setInterval(() => {
    const lines = Array.from({ length: 10 }, (_, i) => `${token} line ${expected.length + i}`);
    expected.push(...lines);
    appendFileSync(join(folder, 'app.log'), `${lines.join('\n')}\n`);
  }, 100);
  try {
    await delay(2000);
    const children = await reshardFirst(Number.POSITIVE_INFINITY);
    assert.equal(children.length, 2);
    await eventually('both children have a worker', 180, async () => {
      const owners = await leaseOwners(stack);
      return children.every((child) => owners.get(child)) ? true : undefined;
    });
    await delay(5000);
    const [merged = ''] = await reshardFirst(1);
    await eventually('the merged shard has a worker', 180, async () =>
      (await leaseOwners(stack)).get(merged) ? true : undefined,
    );
    await delay(5000);
  } finally {
    clearInterval(writer);
  }
  await countReaches(stack, token, expected.length, 60);
  await delay(2000);
  await assertExactlyOnce(stack, token, expected);
});

/** Splits the first shard, or merges the first two: the names of the shards that came of it. */
async function reshardFirst(most: number): Promise<string[]> {
  const names = async () => (await openShards(stack)).map(({ ShardId = '' }) => ShardId);
  const before = await names();
  await reshard(stack, most, () => 0);
  return eventually('the stream is resharded', 30, async () => {
    const now = await names();
    const made = now.filter((name) => !before.includes(name));
    return now.includes(before[0] ?? '') || made.length === 0 ? undefined : made;
  });
}
