import {
  type AttributeValue,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** A shard as ListShards names it. */
export interface Shard {
  id: string;
  parents: string[];
  startingHash: string;
  endingHash: string;
}

/**
 * Writes the leases of a stream that was never consumed. The KCL does it as well, but a worker that finds an empty
 * table first waits up to 30 s, lest a whole fleet do it at once; each item here is put only if it is absent, so
 * nothing is lost by not waiting. A table with any item is left alone. Returns how many leases were written.
 * Rejects when the signal ends it.
 */
export async function seedLeases(
  dynamo: DynamoDBClient,
  table: string,
  shards: () => Promise<Shard[]>,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  await ensureTable(dynamo, table, 'leaseKey', clock, signal);
  const scan = new ScanCommand({ TableName: table, Limit: 1, ConsistentRead: true });
  const { Count } = await dynamo.send(scan, { abortSignal: signal });
  if (Count !== 0) return 0;
  const all = await shards();
  const ids = new Set(all.map((shard) => shard.id));
  // Children get their leases from the KCL, when their parents are read to the end.
  const roots = all.filter((shard) => !shard.parents.some((parent) => ids.has(parent)));
  for (const shard of roots) {
    const put = new PutItemCommand({
      TableName: table,
      Item: leaseItem(shard),
      ConditionExpression: 'attribute_not_exists(leaseKey)',
    });
    await dynamo.send(put, { abortSignal: signal }).catch((error: Error) => {
      if (error.name !== 'ConditionalCheckFailedException') throw error;
    });
  }
  return roots.length;
}

/** The item that KCL 2.7 writes for a new lease at TRIM_HORIZON (DynamoDBLeaseSerializer.toDynamoRecord). */
function leaseItem(shard: Shard): Record<string, AttributeValue> {
  return {
    leaseKey: { S: shard.id },
    leaseCounter: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
    checkpoint: { S: 'TRIM_HORIZON' },
    checkpointSubSequenceNumber: { N: '0' },
    startingHashKey: { S: shard.startingHash },
    endingHashKey: { S: shard.endingHash },
    ...(shard.parents.length > 0 ? { parentShardId: { SS: shard.parents } } : {}),
  };
}

/** Creates a table with one text key, billed by request, and waits until it can be used. */
export async function ensureTable(
  dynamo: DynamoDBClient,
  table: string,
  key: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    signal.throwIfAborted();
    const describe = new DescribeTableCommand({ TableName: table });
    const state = await dynamo.send(describe, { abortSignal: signal }).then(
      (answer) => answer.Table?.TableStatus ?? 'CREATING',
      (error: Error) => {
        if (error.name === 'ResourceNotFoundException') return 'MISSING';
        throw error;
      },
    );
    if (state === 'ACTIVE' || state === 'UPDATING') return;
    if (state === 'MISSING') await createTable(dynamo, table, key, signal);
    await clock.sleep(attempt === 0 ? 50 : 1_000, signal);
  }
  throw new Error(`table ${table} did not become active`);
}

async function createTable(
  dynamo: DynamoDBClient,
  table: string,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const command = new CreateTableCommand({
    TableName: table,
    AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
    KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  await dynamo.send(command, { abortSignal: signal }).catch((error: Error) => {
    if (error.name !== 'ResourceInUseException') throw error;
  });
}
