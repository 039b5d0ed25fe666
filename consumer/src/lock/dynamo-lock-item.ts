import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { LockItem } from './lock.ts';

/**
 * The item `name` of a table of its own: the KCL scans its lease table and must not meet an item that is no lease.
 */
export function dynamoLockItem(dynamo: DynamoDBClient, table: string, name: string): LockItem {
  const target = { TableName: table, Key: { name: { S: name } } };
  return {
    async read() {
      const { Item } = await dynamo.send(new GetItemCommand({ ...target, ConsistentRead: true }));
      if (Item === undefined) return undefined;
      return { holder: Item.holder?.S ?? '', counter: Number(Item.leaseCounter?.N ?? 0) };
    },
    async replace(was, next) {
      const condition =
        was === undefined
          ? { ConditionExpression: 'attribute_not_exists(leaseCounter)' }
          : { ConditionExpression: 'holder = :who AND leaseCounter = :was' };
      const command = new UpdateItemCommand({
        ...target,
        ...condition,
        UpdateExpression: 'SET holder = :me, leaseCounter = :next',
        ExpressionAttributeValues: {
          ':me': { S: next.holder },
          ':next': { N: String(next.counter) },
          ...(was === undefined ? {} : { ':who': { S: was.holder }, ':was': { N: String(was.counter) } }),
        },
      });
      return conditional(() => dynamo.send(command));
    },
    async remove(holder) {
      const command = new DeleteItemCommand({
        ...target,
        ConditionExpression: 'holder = :me',
        ExpressionAttributeValues: { ':me': { S: holder } },
      });
      await conditional(() => dynamo.send(command));
    },
  };
}

async function conditional(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
