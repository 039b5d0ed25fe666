import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { leaseOwners } from '../harness/leases.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { clientOptions, endpoint, eventually, stackUnderTest } from '../harness/stack.ts';

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
    const children = await splitFirstShard();
    await eventually('both children have a worker', 180, async () => {
      const owners = await leaseOwners(stack);
      return children.every((child) => owners.get(child)) ? true : undefined;
    });
    await delay(5000);
    const merged = await mergeShards(children);
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

/** Name of the child. */
async function mergeShards([ShardToMerge, AdjacentShardToMerge]: string[]): Promise<string> {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  const stream = { StreamName: 'millrace' };
  await client.send(new MergeShardsCommand({ ...stream, ShardToMerge, AdjacentShardToMerge }));
  const child = await eventually('the merge is done', 30, async () => {
    const { Shards: now = [] } = await client.send(new ListShardsCommand(stream));
    return now.find((item) => item.ParentShardId === ShardToMerge && item.AdjacentParentShardId)?.ShardId;
  });
  client.destroy();
  return child;
}

/** Names of the children. */
async function splitFirstShard(): Promise<string[]> {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  const stream = { StreamName: 'millrace' };
  const { Shards = [] } = await client.send(new ListShardsCommand(stream));
  const [shard] = Shards;
  const { StartingHashKey = '0', EndingHashKey = '0' } = shard?.HashKeyRange ?? {};
  const middle = String((BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n);
  const split = { ...stream, ShardToSplit: shard?.ShardId, NewStartingHashKey: middle };
  await client.send(new SplitShardCommand(split));
  const children = await eventually('the split is done', 30, async () => {
    const { Shards: now = [] } = await client.send(new ListShardsCommand(stream));
    const found = now
      .filter((item) => item.ParentShardId === shard?.ShardId)
      .map((item) => item.ShardId ?? '');
    return found.length === 2 ? found : undefined;
  });
  client.destroy();
  return children;
}
