import { formatNs } from '@millrace/core/query/time.ts';
import type { Dsl, SearchHit, Store } from '@millrace/core/store/port.ts';
import type { BesideStore } from '../find/archive-finder.ts';
import type { Finder, FindRequest, Shortfall } from '../find/finder.ts';
import type { Plan } from '../plan.ts';

/** What contexts are read from. */
export interface Sources {
  store: Store;
  finder: Finder;
  /** Finds what the store does not have; answers undefined for who may not look there. */
  beside: BesideStore;
  /** What may be seen; no other condition. */
  plan: Plan;
  signal: AbortSignal;
}

/** Nanoseconds since 1970, inclusive. */
export interface Within {
  fromNs?: bigint;
  toNs?: bigint;
}

type How = Pick<FindRequest, 'order' | 'limit' | 'after' | 'arrived'>;

/** Reads, and remembers what was not looked at. */
export class Reading {
  readonly #sources: Sources;
  readonly partial: Shortfall[] = [];

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** The nearest in the store, in order of offset in this direction. */
  async nearest(conditions: Dsl[], order: 'asc' | 'desc', size: number): Promise<SearchHit[]> {
    const { store, signal } = this.#sources;
    const { indices, query } = this.#plan(conditions);
    const request = { indices, query, size, order, by: 'offset', trackTotal: 0, highlight: false } as const;
    return (await store.search(request, signal)).hits;
  }

  /** Whether there may be events that the store does not have. */
  async isBeside(conditions: Dsl[]): Promise<boolean> {
    return (await this.#sources.beside(this.#plan(conditions))) !== undefined;
  }

  /** What the store does not have, in order of time. */
  async beside(conditions: Dsl[], how: How): Promise<SearchHit[]> {
    const plan = this.#plan(conditions);
    const find = await this.#sources.beside(plan);
    return find === undefined ? [] : this.#found(find, { ...how, plan });
  }

  /** From wherever events are, in order of time; `within` bounds their times. */
  async anywhere(conditions: Dsl[], { within, ...how }: How & { within?: Within }): Promise<SearchHit[]> {
    const plan = { ...this.#plan([...conditions, ...timesWithin(within)]), ...within };
    const find = (await this.#sources.beside(plan)) === undefined ? 'hot' : 'auto';
    return this.#found(this.#sources.finder, { ...how, plan }, find);
  }

  async #found(
    find: Finder,
    request: How & { plan: Plan },
    source: FindRequest['source'] = 'auto',
  ): Promise<SearchHit[]> {
    const hits: SearchHit[] = [];
    const found = find({ ...request, source, highlight: false }, this.#sources.signal);
    for (;;) {
      const step = await found.next();
      if (step.done !== true) {
        hits.push(step.value);
        continue;
      }
      for (const shortfall of step.value.partial) this.#note(shortfall);
      return hits;
    }
  }

  /** The same reason is said once. */
  #note(shortfall: Shortfall): void {
    if (!this.partial.some(({ code, message }) => code === shortfall.code && message === shortfall.message))
      this.partial.push(shortfall);
  }

  /** Told when more than is read at a time stands in the way. */
  tooMany(): void {
    this.#note({
      code: 'rows',
      message: 'so many events stand here in the archive that some may be missing between these',
    });
  }

  #plan(conditions: Dsl[]): Plan {
    const { plan } = this.#sources;
    return { ...plan, query: { bool: { filter: [...conditions, plan.query] } } };
  }
}

function timesWithin({ fromNs, toNs }: Within = {}): Dsl[] {
  if (fromNs === undefined && toNs === undefined) return [];
  const gte = fromNs === undefined ? {} : { gte: formatNs(fromNs) };
  const lte = toNs === undefined ? {} : { lte: formatNs(toNs) };
  return [{ range: { '@timestamp': { ...gte, ...lte } } }];
}
