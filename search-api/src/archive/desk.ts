import { availableParallelism } from 'node:os';
import { Catalog } from '@millrace/archive/catalog.ts';
import type { BucketConfig } from '@millrace/archive/config.ts';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { ArchiveSearch } from '@millrace/archive/search/archive-search.ts';
import { ReadingThread } from '@millrace/archive/search/reading-thread.ts';
import { ScanPool } from '@millrace/archive/search/scan-pool.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Static } from 'typebox';
import { archiveFinder } from '../find/archive-finder.ts';
import { ColdWatch } from './cold-watch.ts';
import type { ArchiveSearchConfigSchema } from './config.ts';

export interface DeskOptions {
  config: Static<typeof ArchiveSearchConfigSchema>;
  objects: ObjectStore;
  /** Where `objects` is, for the thread that reads; absent: this thread reads. */
  bucket?: BucketConfig;
  /** Archive prefix. */
  prefix: string;
  store: Store;
  clock: Clock;
  /** Told when what the store lacks cannot be read. */
  onFailure(error: unknown): void;
}

export interface ArchiveDesk extends ReturnType<typeof archiveFinder> {
  pool: Pick<ScanPool, 'queued' | 'busy'>;
  /** Begins to watch what the store does not have. */
  start(): void;
  close(): Promise<void>;
}

const dayMs = 86_400_000;

/** All that searches of the archive share: threads, footers, and what is known of the store's gaps. */
export function archiveDesk({
  config,
  objects,
  bucket,
  prefix,
  store,
  clock,
  onFailure,
}: DeskOptions): ArchiveDesk {
  const pool = new ScanPool({
    workers: config.workers === 0 ? availableParallelism() : config.workers,
    taskMsMax: config.task_ms_max,
    memoryBytesMax: config.worker_memory_bytes_max,
    clock,
  });
  const watch = new ColdWatch({
    objects,
    prefix,
    store,
    clock,
    freshMs: config.unmarked_fresh_ms,
    settleMs: config.unmarked_settle_ms,
    objectsMax: config.unmarked_max,
    onFailure,
  });
  const reading = bucket && new ReadingThread(bucket);
  const options = {
    objects: reading?.store(objects) ?? objects,
    // Who serves searches need not be allowed to write into the bucket.
    catalog: new Catalog({
      objects,
      prefix,
      clock,
      onProblem: () => {},
      memoryBytesMax: config.footers_bytes_max,
      manifests: 'read',
    }),
    shelf: new CorrectionShelf(objects, prefix),
    pool,
    clock,
    readBytes: config.read_bytes,
    heldBytesMax: config.held_bytes_max,
    lateMs: config.late_days * dayMs,
  };
  const finder = archiveFinder({
    store,
    search: (request, signal) => new ArchiveSearch(options, request, signal),
    cold: () => watch.known(),
    bytesMax: config.bytes_max,
    timeMsMax: config.time_ms_max,
  });
  return {
    ...finder,
    pool,
    start: () => watch.start(),
    async close() {
      await watch.close();
      await pool.close();
      await reading?.close();
    },
  };
}
