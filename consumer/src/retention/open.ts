import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { retryingReads } from '@millrace/archive/retried.ts';
import { createRenderer, type Renderer } from '@millrace/core/document/render.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { ConsumerConfig } from '../config.ts';
import { fleetLock, whileHeld } from '../lock/fleet-lock.ts';
import { type RetentionReport, type RetentionRequest, retain } from './retention.ts';

export interface FleetRetentionOptions {
  config: ConsumerConfig;
  store: Store;
  /** Of a further store; absent: the store of search. */
  name?: string;
  objects: ObjectStore;
  dynamo: DynamoDBClient;
  worker: string;
  clock: Clock;
  /** Absent: one that nobody watches, for a command. */
  renderer?: Renderer;
}

/** Retention of a fleet in one store, one process at a time: undefined while another is at it. */
export function fleetRetention(options: FleetRetentionOptions) {
  const { config, store, objects, clock, renderer = createRenderer() } = options;
  const lock = fleetLock(options, options.name === undefined ? 'retention' : `retention-${options.name}`);
  const reads = retryingReads(objects, clock);
  const shelf = new CorrectionShelf(reads, config.archive.prefix);
  return async (request: RetentionRequest, signal: AbortSignal): Promise<RetentionReport | undefined> => {
    const work = (held: AbortSignal) =>
      retain(
        {
          store,
          objects: reads,
          prefix: config.archive.prefix,
          renderer,
          corrections: (stream, ended) => shelf.load(stream, ended),
          readBytes: config.filler.read_bytes,
          clock,
          signal: held,
        },
        request,
      );
    try {
      return await whileHeld(lock, clock, signal, work);
    } finally {
      await lock.release();
    }
  };
}
