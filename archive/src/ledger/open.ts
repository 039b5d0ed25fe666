import type { Clock } from '@millrace/core/runtime/clock.ts';
import { Catalog, type CatalogOptions } from '../catalog.ts';
import { CorrectionShelf } from '../corrections/shelf.ts';
import type { ObjectStore } from '../object-store.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';

export interface OpenOptions {
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  store: LedgerOptions['store'];
  clock: Clock;
  /** Decoded footers kept between two readings, rough bytes. */
  memoryBytesMax: number;
  manifests: NonNullable<CatalogOptions['manifests']>;
  filesMax: number;
  /** More than one reading is to come. */
  keep: boolean;
}

/** Questions about single files in one reading; each takes the store some milliseconds. */
const lookupsMax = 2_000;

/** A ledger of the real archive: what it reads it keeps in one catalog, so that a second look is cheap. */
export function openLedger(options: OpenOptions): Ledger {
  const { objects, prefix, store, clock, memoryBytesMax, manifests, filesMax, keep } = options;
  const shelf = new CorrectionShelf(objects, prefix);
  let told: Parameters<LedgerOptions['catalog']>[0] = () => {};
  const onProblem: CatalogOptions['onProblem'] = (problem) => told(problem);
  const catalog = new Catalog({ objects, prefix, clock, onProblem, memoryBytesMax, manifests });
  return new Ledger({
    objects,
    prefix,
    store,
    clock,
    filesMax,
    lookupsMax,
    keep,
    catalog: (listener) => {
      told = listener;
      return catalog;
    },
    corrected: async (stream, signal) => {
      const entries = await shelf.list(stream, signal);
      return new Set(
        entries.flatMap(({ correction }) => correction.sources.map(({ generation }) => generation)),
      );
    },
  });
}
