import { Catalog } from '@millrace/archive/catalog.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { KnownMarks } from '../archive/known-marks.ts';

/** Archive objects of a stream whose events the store has not answered for. */
export interface UnmarkedObjects {
  objects: number;
  /** When the oldest of them was written, milliseconds since 1970. */
  oldestMs: number;
}

export interface UnmarkedOptions {
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  store: Pick<Store, 'marked'>;
  clock: Clock;
}

/** Objects that arrived since then are looked at; older ones are for the ledger. */
const sinceMs = 24 * 3_600_000;
/** So young an object is on its way. */
const graceMs = 60_000;
/** Pages of a listing, of 1,000 objects each. */
const pagesMax = 100;

/** Reads which objects have no mark. What has one keeps it: only new objects are asked for the next time. */
export class UnmarkedReader {
  readonly #options: UnmarkedOptions;
  readonly #catalog: Catalog;
  readonly #marks: KnownMarks;

  constructor(options: UnmarkedOptions) {
    this.#options = options;
    this.#catalog = new Catalog({ ...options, onProblem: () => {}, manifests: 'off' });
    this.#marks = new KnownMarks(options.store);
  }

  /** By stream; streams without such objects are not in it. @throws MillraceError ARCHIVE_UNAVAILABLE, STORE_UNAVAILABLE */
  async read(): Promise<Map<string, UnmarkedObjects>> {
    const nowMs = this.#options.clock.now();
    const found = new Map<string, UnmarkedObjects>();
    const marked = new Set<string>();
    for (const stream of await this.#catalog.streams()) {
      let pages = 0;
      for await (const page of this.#catalog.pages({ stream, fromMs: nowMs - sinceMs })) {
        const grown = page.filter(({ modifiedMs }) => modifiedMs <= nowMs - graceMs);
        const known = await this.#marks.among(grown.map(({ key }) => key));
        for (const { key, modifiedMs } of grown) {
          if (known.has(key)) marked.add(key);
          else addTo(found, stream, modifiedMs);
        }
        if (++pages === pagesMax) break;
      }
    }
    this.#marks.keep(marked);
    return found;
  }
}

function addTo(found: Map<string, UnmarkedObjects>, stream: string, modifiedMs: number): void {
  const known = found.get(stream);
  if (known === undefined) found.set(stream, { objects: 1, oldestMs: modifiedMs });
  else found.set(stream, { objects: known.objects + 1, oldestMs: Math.min(known.oldestMs, modifiedMs) });
}
