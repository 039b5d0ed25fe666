import { setTimeout as delay } from 'node:timers/promises';
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { clientOptions, endpoint, type StackUnderTest } from './stack.ts';

const StreamName = 'millrace';

/** Splits an open shard in the middle, or when there are `most` of them merges two neighbours. */
export async function reshard(
  stack: StackUnderTest,
  most: number,
  choose: (count: number) => number,
): Promise<string> {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  try {
    const open = await listOpen(client);
    const at = choose(open.length);
    const shard = open[at];
    if (shard === undefined) return 'no open shard';
    const neighbour = open[at + 1];
    if (open.length < most) {
      const middle = String((startOf(shard) + BigInt(shard.HashKeyRange?.EndingHashKey ?? 0)) / 2n);
      const ShardToSplit = shard.ShardId;
      await client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: middle }));
      return `split ${shard.ShardId}`;
    }
    if (neighbour === undefined) return 'no neighbour';
    const ShardToMerge = shard.ShardId;
    const AdjacentShardToMerge = neighbour.ShardId;
    await client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }));
    return `merge ${shard.ShardId} and ${neighbour.ShardId}`;
  } finally {
    client.destroy();
  }
}

/** Splits until so many shards are open. */
export async function splitTo(stack: StackUnderTest, count: number): Promise<void> {
  while ((await openShards(stack)).length < count) {
    await reshard(stack, count, () => 0);
    await delay(1000);
  }
}

/** The shards that take records, by hash key. */
export async function openShards(stack: StackUnderTest): Promise<Shard[]> {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  try {
    return await listOpen(client);
  } finally {
    client.destroy();
  }
}

async function listOpen(client: KinesisClient): Promise<Shard[]> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
  return Shards.filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined).sort(
    (a, b) => (startOf(a) < startOf(b) ? -1 : 1),
  );
}

function startOf(shard: Shard): bigint {
  return BigInt(shard.HashKeyRange?.StartingHashKey ?? 0);
}
