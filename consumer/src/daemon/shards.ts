import { KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { awsTimeouts } from '@millrace/archive/aws-timeouts.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { ConsumerConfig } from '../config.ts';
import type { Shard } from './seed-leases.ts';

/** The stream's shards, ended ones included as long as Kinesis names them. */
export async function listShards(stream: ConsumerConfig['stream'], signal: AbortSignal): Promise<Shard[]> {
  const client = new KinesisClient({
    region: stream.region,
    ...(stream.endpoint ? { endpoint: stream.endpoint } : {}),
    requestHandler: new NodeHttpHandler(awsTimeouts(10_000)),
  });
  try {
    const shards: Shard[] = [];
    for (let token: string | undefined; ; ) {
      // A page's token stands for the stream; naming both is refused.
      const page = await client.send(
        new ListShardsCommand(token === undefined ? { StreamName: stream.name } : { NextToken: token }),
        { abortSignal: signal },
      );
      for (const { ShardId, ParentShardId, AdjacentParentShardId, HashKeyRange } of page.Shards ?? []) {
        shards.push({
          id: ShardId ?? '',
          parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
          startingHash: HashKeyRange?.StartingHashKey ?? '',
          endingHash: HashKeyRange?.EndingHashKey ?? '',
        });
      }
      token = page.NextToken;
      if (token === undefined) return shards;
    }
  } finally {
    client.destroy();
  }
}
