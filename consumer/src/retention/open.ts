import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { retryingReads } from '@millrace/archive/retried.ts';
import { createRenderer, type Renderer } from '@millrace/core/document/render.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { ConsumerConfig } from '../config.ts';
import { dynamoLockItem } from '../filler/dynamo-lock-item.ts';
import { lockExpiryMs } from '../filler/filler.ts';
import { createLock, type Lock } from '../filler/lock.ts';
import { lockTable } from '../filler/store-filler.ts';
import { type RetentionReport, type RetentionRequest, retain } from './retention.ts';

export interface FleetRetentionOptions {
  config: ConsumerConfig;
  store: Store;
  objects: ObjectStore;
  dynamo: DynamoDBClient;
  worker: string;
  clock: Clock;
  /** Absent: one that nobody watches, for a command. */
  renderer?: Renderer;
}

/** Far below the time after which another process takes the lock. */
const lockKeepMs = 10_000;

/** Retention of a fleet: one process at a time. */
export function fleetRetention(options: FleetRetentionOptions) {
  const { config, store, objects, dynamo, worker, clock, renderer = createRenderer() } = options;
  const lock = createLock(
    dynamoLockItem(dynamo, lockTable(config), 'retention'),
    worker,
    lockExpiryMs,
    clock,
  );
  const reads = retryingReads(objects, clock);
  const shelf = new CorrectionShelf(reads, config.archive.prefix);
  return {
    lock,
    /** Undefined while another process is at it. */
    async run(request: RetentionRequest, signal: AbortSignal): Promise<RetentionReport | undefined> {
      return whileHeld(lock, clock, signal, (held) =>
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
        ),
      );
    },
  };
}

/** Works while the lock is kept in the background; the signal that `work` gets ends with the lock. */
async function whileHeld<T>(
  lock: Lock,
  clock: Clock,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  if (!(await lock.hold())) return undefined;
  const over = new AbortController();
  const held = AbortSignal.any([signal, over.signal]);
  const keeping = (async () => {
    while (!held.aborted) {
      await clock.sleep(lockKeepMs, held);
      if (!held.aborted && !(await lock.hold())) over.abort();
    }
  })().catch(() => over.abort());
  try {
    return await work(held);
  } finally {
    over.abort();
    await keeping;
    await lock.release();
  }
}
