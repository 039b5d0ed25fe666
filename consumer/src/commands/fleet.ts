import { hostname } from 'node:os';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsTimeouts } from '@millrace/archive/aws-timeouts.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import type { StoreConfig } from '@millrace/core/store/config.ts';
import { createStore } from '@millrace/core/store/create.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { ensureTable } from '../daemon/seed-leases.ts';
import { lockTable } from '../lock/fleet-lock.ts';
import type { CommandContext } from './registry.ts';

/** What a command shares with the fleet: its bucket, its store and its locks. */
export interface Fleet {
  objects: ObjectStore;
  store: Store;
  dynamo: DynamoDBClient;
  /** Holder of locks: no other process has this name. */
  worker: string;
}

/** Runs a command with clients of its own. `store`: instead of the configured one. */
export async function withFleet(
  { config, clock, signal }: CommandContext,
  work: (fleet: Fleet) => Promise<number>,
  store: StoreConfig = config.store,
): Promise<number> {
  const objects = createS3(config.archive);
  const dynamo = new DynamoDBClient({
    region: config.stream.region,
    requestHandler: new NodeHttpHandler(awsTimeouts(10_000)),
    ...(config.leases.endpoint ? { endpoint: config.leases.endpoint } : {}),
  });
  const opened = await createStore(store, clock);
  try {
    await ensureTable(dynamo, lockTable(config), 'name', clock, signal);
    const worker = `${hostname()}-${Buffer.from(clock.bytes(6)).toString('hex')}`;
    return await work({ objects, store: opened, dynamo, worker });
  } finally {
    await opened.close();
    objects.close();
    dynamo.destroy();
  }
}
