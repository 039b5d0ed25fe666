import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createRenderer, type Renderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import type { ConsumerConfig } from '../config.ts';
import { ensureTable } from '../daemon/seed-leases.ts';
import { type ConsumerTelemetry, consumerEvents } from '../events.ts';
import { createIndexer, type Indexer } from '../index/indexer.ts';
import { fleetLock, lockTable } from '../lock/fleet-lock.ts';
import { persist } from '../persist.ts';
import { Horizons } from '../retention/horizons.ts';
import { SetAsideStorm } from '../set-aside/storm.ts';
import { type FillOptions, fillObject } from './fill-object.ts';
import { Filler } from './filler.ts';

export interface StoreFillerOptions {
  config: ConsumerConfig;
  /** The store to fill: the consumer's own, or any other. */
  store: Store;
  objects: ObjectStore;
  dynamo: DynamoDBClient;
  /** Item of the lock table: one for each store. */
  lock: string;
  worker: string;
  clock: Clock;
  telemetry: ConsumerTelemetry;
  /** Absent: one that nobody watches, for a command. */
  renderer?: Renderer;
}

/** Fills a store from the archive until the signal: installs the templates, then runs the one loop (D5). */
export async function runStoreFiller(options: StoreFillerOptions, signal: AbortSignal): Promise<void> {
  const { config, store, dynamo, clock, telemetry } = options;
  await persist(
    clock,
    signal,
    (error) => telemetry.emit('store_waiting', { error }),
    () => store.install(signal),
  );
  if (!signal.aborted) telemetry.emit('store_ready', {});
  await persist(
    clock,
    signal,
    (error) => telemetry.emit('filler_failed', { error }),
    () => ensureTable(dynamo, lockTable(config), 'name', clock, signal),
  );
  const { filler, close } = storeFiller(options);
  await filler.run(signal);
  await close();
}

/** The loop and all that it works with. The store stays open: whoever opened it closes it. */
export function storeFiller(options: StoreFillerOptions): {
  filler: Filler;
  fill(key: string, bytes: number, signal: AbortSignal): Promise<void>;
  refill(key: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
} {
  const { config, store, objects, clock, telemetry } = options;
  const horizons = new Horizons(store, clock);
  const base = { store, clock, telemetry, config: config.index, horizons };
  const indexer = createIndexer(base);
  const storm = new SetAsideStorm(clock, telemetry);
  const shelf = new CorrectionShelf(objects, config.archive.prefix);
  const work: FillOptions = {
    objects,
    prefix: config.archive.prefix,
    corrections: (stream, signal) => shelf.load(stream, signal),
    store,
    indexer,
    clock,
    storm,
    renderer: options.renderer ?? createRenderer(),
    emit: telemetry.emit,
    readBytes: config.filler.read_bytes,
    giveUpMs: config.index.give_up_ms,
  };
  const replacing = createIndexer({
    ...base,
    overwrite: true,
    telemetry: createTelemetry('refill', consumerEvents, telemetry.log),
  });
  const fill = (key: string, bytes: number, signal: AbortSignal) => fillObject(work, key, bytes, signal);
  const refill = (key: string, signal: AbortSignal) => refillObject(work, replacing, key, signal);
  const filler = new Filler({
    config: config.filler,
    prefix: config.archive.prefix,
    hotDays: config.hot_days,
    objects,
    store,
    horizons,
    clock,
    telemetry,
    lock: fleetLock(options, options.lock),
    fill,
    refill,
  });
  return {
    filler,
    fill,
    refill,
    async close() {
      storm.stop();
      await Promise.all([indexer.close(), replacing.close()]);
    },
  };
}

/** Handles an object again that has a mark: documents in the fallback shape are replaced by what they are now. */
async function refillObject(
  work: FillOptions,
  replacing: Indexer,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const bytes = await work.objects.size(key, signal);
  if (bytes === undefined) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: no such object`);
  await fillObject({ ...work, indexer: replacing, again: true }, key, bytes, signal);
}
