import type { Store } from '@millrace/core/store/port.ts';

/** As the store is now. */
export async function indicesOf(
  store: Pick<Store, 'horizons' | 'indices'>,
  signal: AbortSignal,
): Promise<ReplayIndices> {
  const [horizons, present] = await Promise.all([store.horizons(signal), store.indices(signal)]);
  return new ReplayIndices(horizons, new Set(present.map(({ index }) => index)));
}

/**
 * Where replayed events go. Days from the hot horizon on, and days whose index is there: their own index. Older ones:
 * `millrace-<stream>-replayed-<date>`, which retention leaves alone and every search of the stream looks into.
 */
export class ReplayIndices {
  readonly #horizons: ReadonlyMap<string, string>;
  readonly #present: ReadonlySet<string>;
  readonly #known = new Map<string, string>();

  /** `horizons`: first hot date (`YYYY.MM.DD`) by stream; `present`: names of the indices that are there. */
  constructor(horizons: ReadonlyMap<string, string>, present: ReadonlySet<string>) {
    this.#horizons = horizons;
    this.#present = present;
  }

  /** The index for an event that belongs to `index`. */
  of(index: string): string {
    let name = this.#known.get(index);
    if (name === undefined) {
      name = this.isCold(index) && !this.#present.has(index) ? replayedIndex(index) : index;
      if (this.#known.size > 10_000) this.#known.clear();
      this.#known.set(index, name);
    }
    return name;
  }

  /** Whether the index is of a day, or a month, that is over before the hot horizon. */
  isCold(index: string): boolean {
    const { stream, date } = indexParts(index);
    const horizon = this.#horizons.get(stream);
    if (horizon === undefined) return false;
    return date.length < horizon.length ? date < horizon.slice(0, date.length) : date < horizon;
  }

  isPresent(index: string): boolean {
    return this.#present.has(index);
  }
}

export function replayedIndex(index: string): string {
  const { stream, date } = indexParts(index);
  return date.startsWith('replayed-') ? index : `millrace-${stream}-replayed-${date}`;
}

/** Stream names hold no `-`. */
function indexParts(index: string): { stream: string; date: string } {
  const [, stream = '', ...rest] = index.split('-');
  return { stream, date: rest.join('-') };
}
