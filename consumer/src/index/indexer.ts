import { validateConfig } from '@millrace/core/config/validate.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Mark, Store } from '@millrace/core/store/port.ts';
import type { Horizons } from '../retention/horizons.ts';
import { BulkIndexer } from './bulk-indexer.ts';
import { type IndexerConfig, IndexerConfigSchema } from './config.ts';
import type { IndexerTelemetry } from './events.ts';

/** Indexes documents in the background, in bulk, and tells per group of them how the store answered. */
export interface Indexer {
  /** Begins a group: the documents of one archive object, whose key is shown where a document was cut. */
  group(object?: string): IndexGroup;
  /**
   * Takes documents of a group. Resolves true when they are taken, at once while the queue has room; false when
   * the group was abandoned, or the indexer closed, before. Memory exceeds the queue by at most the documents of
   * the calls that wait: hand over some thousands at a time. `block`: id of the block they are of, for exceptions.
   */
  add(documents: readonly RenderedDocument[], group: IndexGroup, block?: string): Promise<boolean>;
  /** Abandons every group and stops; resolves when nothing is under way any more. */
  close(): Promise<void>;
}

export interface IndexGroup {
  /** No more documents will be added. */
  seal(): void;
  /** Drops what the store has not answered for, and fails waiting `add` calls: the filler will do it again. */
  abandon(): void;
  /** Resolves when the group is sealed and every document answered for; undefined when it was abandoned. */
  readonly done: Promise<GroupResult | undefined>;
}

/** What a mark says of a group's documents. */
export type GroupResult = Pick<Mark, 'events' | 'indexed' | 'exceptions' | 'setAside' | 'cold'>;

export interface IndexerOptions {
  store: Store;
  clock: Clock;
  telemetry: IndexerTelemetry;
  /** Absent: the defaults. */
  config?: IndexerConfig;
  /** Documents that are there already are replaced, not left as they are. */
  overwrite?: boolean;
  /** Keeps to `new_indices_max`: for what arrives, not for an archive of years that is indexed again. */
  guarded?: boolean;
  /** Says which indices take nothing any more; absent: all are hot. */
  horizons?: Pick<Horizons, 'refresh' | 'isCold'>;
}

const allHot: Pick<Horizons, 'refresh' | 'isCold'> = {
  refresh: () => Promise.resolve(),
  isCold: () => false,
};

export function createIndexer(options: IndexerOptions): Indexer {
  const config = options.config ?? validateConfig(IndexerConfigSchema, {}, 'index');
  const { overwrite = false, guarded = false, horizons = allHot } = options;
  return new BulkIndexer({ ...options, config, overwrite, guarded, horizons });
}
