import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { clientOptions, endpoint, type StackUnderTest } from './stack.ts';

/** Checkpoint of each shard, as the KCL keeps it in the lease table. */
export async function leaseCheckpoints(
  stack: StackUnderTest,
  application = 'millrace',
): Promise<Map<string, string>> {
  const client = new DynamoDBClient({ ...clientOptions, endpoint: endpoint(stack, 'leases') });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: application }));
  client.destroy();
  return new Map(
    Items.filter((item) => /^\d+$/.test(item.checkpoint?.S ?? '')).map((item) => [
      item.leaseKey?.S ?? '',
      item.checkpoint?.S ?? '',
    ]),
  );
}

/** Who holds each shard's lease. */
export async function leaseOwners(stack: StackUnderTest): Promise<Map<string, string>> {
  const client = new DynamoDBClient({ ...clientOptions, endpoint: endpoint(stack, 'leases') });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'millrace' }));
  client.destroy();
  return new Map(Items.map((item) => [item.leaseKey?.S ?? '', item.leaseOwner?.S ?? '']));
}

/** Sequence number of the last record in each shard that has one. */
export async function lastSequenceNumbers(stack: StackUnderTest): Promise<Map<string, string>> {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  const last = new Map<string, string>();
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: 'millrace' }));
  for (const { ShardId = '' } of Shards) {
    const first = await client.send(
      new GetShardIteratorCommand({ StreamName: 'millrace', ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    let iterator = first.ShardIterator;
    while (iterator) {
      const {
        Records = [],
        NextShardIterator,
        MillisBehindLatest,
      } = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
      const sequence = Records.at(-1)?.SequenceNumber;
      if (sequence) last.set(ShardId, sequence);
      iterator = Records.length === 0 && !MillisBehindLatest ? undefined : NextShardIterator;
    }
  }
  client.destroy();
  return last;
}
