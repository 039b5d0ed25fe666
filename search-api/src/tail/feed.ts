import { isMillraceError } from '@millrace/core/errors.ts';
import { type Matcher, matcherOf } from '@millrace/core/query/match.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Dsl, SearchHit, SortValues, Store } from '@millrace/core/store/port.ts';
import { type Arrival, arrivalOf, ingestedMs } from './arrival.ts';
import { ingestedAfter } from './ingested.ts';
import { SeenEvents } from './seen-events.ts';
import { ToldEvents } from './told-events.ts';

/** Who is told what arrives. */
export interface Follower {
  /** All that an event must be. */
  readonly query: Dsl;
  /** What arrived and is for it, in order of `event.ingested`; also told when that is nothing. */
  take(arrivals: readonly Arrival[], step: FeedStep): void;
  /** So many that are for it, stamped from `fromMs` to `toMs`, were not read: they came faster than they can be. */
  missed(count: number, fromMs: number, toMs: number): void;
  /** So many that are for it, stamped from `fromMs` to `toMs`, came to be seen when nobody looked there any more. */
  late(count: number, fromMs: number, toMs: number): void;
  /** The store does not answer; it is asked again. */
  failed(error: unknown): void;
  /** It answers again. */
  recovered(): void;
}

/** How far a feed is: what it will tell of was stamped after `edge` less the window, or it was seen too late. */
export interface FeedStep {
  before: number;
  edge: number;
}

export interface FeedOptions {
  store: Store;
  indices: string[];
  clock: Clock;
  pollMs: number;
  /** How much later than it was stamped an event may come to be seen. */
  windowMs: number;
}

interface Group {
  query: Dsl;
  matches: Matcher;
  followers: Set<Follower>;
  /** Undefined at first: what was there before the first of them came is told to nobody. */
  told: ToldEvents | undefined;
}

/** Documents asked for at a time, and how many times before the window is looked at again. */
const pageSize = 500;
const pagesMax = 40;
/** More queries than these are not asked for one by one: everything is read, and matched here. */
const narrowMax = 24;
/** A feed that is so far behind leaves out what is between. */
const behindMsMax = 10_000;
const pollMsMax = 2_000;
const backoff: Backoff = { baseMs: 500, maxMs: 10_000 };

/**
 * What arrives in some indices, polled once for all who follow. Events become visible out of the order of
 * `event.ingested`: each poll looks at the window before the edge again, without what was seen there. Starts with its
 * first follower.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #groups = new Map<string, Group>();
  readonly #seen = new SeenEvents();
  readonly #stop = new AbortController();
  /** Ends the wait for the next poll. */
  #nudge = new AbortController();
  #edge: number | undefined;
  /** Queries of followers go to the store; false after it refused them together. */
  #narrow = true;
  #down = false;
  #running: Promise<void> | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /**
   * The newest time that was seen, milliseconds since 1970; undefined until this follower is told what arrives. Asked
   * again after each `take`.
   */
  edgeFor(follower: Follower): number | undefined {
    return this.#groups.get(nameOf(follower))?.told === undefined ? undefined : this.#edge;
  }

  get empty(): boolean {
    return this.#groups.size === 0;
  }

  join(follower: Follower): void {
    const name = nameOf(follower);
    const { query } = follower;
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { query, matches: matcherOf(query), followers: new Set(), told: undefined };
      this.#groups.set(name, group);
      this.#nudge.abort();
    }
    group.followers.add(follower);
    this.#running ??= this.#run();
  }

  leave(follower: Follower): void {
    const name = nameOf(follower);
    const group = this.#groups.get(name);
    if (group === undefined || !group.followers.delete(follower) || group.followers.size > 0) return;
    this.#groups.delete(name);
    this.#narrow = true;
  }

  /** Polls no more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, pollMs } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      this.#nudge = new AbortController();
      const startMs = clock.monotonic();
      let waitMs: number;
      try {
        const drained = await this.#poll(signal);
        failures = 0;
        this.#recover();
        const tookMs = clock.monotonic() - startMs;
        waitMs = drained ? Math.min(pollMsMax, Math.max(pollMs, 2 * tookMs)) : 0;
      } catch (error) {
        if (signal.aborted) return;
        waitMs = this.#fail(error, failures++);
      }
      await clock.sleep(waitMs, AbortSignal.any([signal, this.#nudge.signal]));
    }
  }

  /** @returns whether all that is there was read */
  async #poll(signal: AbortSignal): Promise<boolean> {
    this.#edge ??= await this.#begin(signal);
    const before = this.#edge;
    const query = this.#unseen(before);
    const beginning = [...this.#groups.values()].filter(({ told }) => told === undefined);
    let after: SortValues | undefined;
    let drained = false;
    for (let page = 0; page < pagesMax && !drained; page++) {
      const { hits } = await this.#search(query, after, signal);
      this.#give(hits, before);
      drained = hits.length < pageSize;
      after = hits.at(-1)?.sort;
    }
    for (const group of beginning) {
      group.told = new ToldEvents(this.#edge);
      for (const follower of group.followers) follower.take([], { before, edge: this.#edge });
    }
    if (drained) await this.#lookBack(signal);
    else await this.#catchUp(signal);
    return drained;
  }

  /** Not later than what is newest in the store: who stamps may have a clock that is behind ours. */
  async #begin(signal: AbortSignal): Promise<number> {
    const { store, indices, clock } = this.#options;
    const { hits } = await store.search(
      {
        indices,
        query: { match_all: {} },
        size: 1,
        order: 'desc',
        by: 'ingested',
        trackTotal: 0,
        highlight: false,
      },
      signal,
    );
    const [newest] = hits;
    const ms = newest === undefined ? Number.NaN : ingestedMs(newest);
    return Number.isNaN(ms) ? clock.now() : Math.min(ms, clock.now());
  }

  #search(query: Dsl, after: SortValues | undefined, signal: AbortSignal) {
    const { store, indices } = this.#options;
    return store.search(
      {
        indices,
        query,
        size: pageSize,
        order: 'asc',
        by: 'ingested',
        containers: true,
        ...(after === undefined ? {} : { after }),
        trackTotal: 0,
        highlight: false,
      },
      signal,
    );
  }

  #unseen(edge: number): Dsl {
    const queries = [...this.#groups.values()].map(({ query }) => query);
    const narrow = this.#narrow && queries.length <= narrowMax;
    const wanted = narrow ? [{ bool: { should: queries, minimum_should_match: 1 } }] : [];
    return { bool: { filter: [ingestedAfter(this.#lookedAt(edge)), ...wanted, ...this.#notSeen()] } };
  }

  /** Nothing stamped up to here is looked at again. */
  #lookedAt(edge: number): number {
    return Math.max(edge - this.#options.windowMs, this.#seen.floor);
  }

  #notSeen(): Dsl[] {
    const values = this.#seen.ids();
    return values.length === 0 ? [] : [{ bool: { must_not: [{ ids: { values } }] } }];
  }

  #give(hits: SearchHit[], before: number): void {
    const { clock, windowMs } = this.#options;
    const arrivals: Arrival[] = [];
    let newest = this.#edge ?? before;
    for (const hit of hits) {
      const arrival = arrivalOf(hit);
      if (Number.isNaN(arrival.ms) || !this.#seen.add(hit.id, arrival.ms)) continue;
      arrivals.push(arrival);
      newest = Math.max(newest, arrival.ms);
    }
    // Who stamps with a clock that is ahead must not move the window past the others.
    const edge = Math.max(this.#edge ?? 0, Math.min(newest, clock.now()));
    this.#edge = edge;
    this.#seen.trim(edge - windowMs);
    for (const { matches, followers, told } of this.#groups.values()) {
      if (told === undefined) continue;
      const theirs = arrivals.filter(({ hit }) => matches(hit.id, hit.source));
      for (const { ms } of theirs) told.add(ms);
      for (const follower of followers) follower.take(theirs, { before, edge });
    }
  }

  /** Leaves out what nobody can read any more, and says how much that is. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    const { clock, windowMs } = this.#options;
    const edge = this.#edge ?? 0;
    const toMs = clock.now() - windowMs;
    if (clock.now() - edge < behindMsMax || toMs <= edge) return;
    // Also what came to be seen behind the edge since: nobody looks there again.
    const fromMs = this.#lookedAt(edge);
    const between = [ingestedAfter(fromMs, toMs), ...this.#notSeen()];
    // Who has not begun is told of nothing that is there already.
    const begun = [...this.#groups.values()].filter(({ told }) => told !== undefined);
    const counts: number[] = [];
    for (const { query } of begun) counts.push(await this.#count([...between, query], signal));
    // Told when all are counted: where one fails, all is read and counted again.
    for (const [i, { followers, told }] of begun.entries()) {
      told?.leaveOut(toMs);
      for (const follower of followers) follower.missed(counts[i] ?? 0, fromMs, toMs);
    }
    this.#edge = toMs;
    this.#seen.trim(toMs);
  }

  /** What came to be seen too late is not told any more; how much that is, a minute later. */
  async #lookBack(signal: AbortSignal): Promise<void> {
    const closedMs = (this.#edge ?? 0) - this.#options.windowMs;
    for (const { query, told, followers } of [...this.#groups.values()]) {
      const due = told?.take(closedMs);
      if (due === undefined) continue;
      const { fromMs, toMs, count } = due;
      const late = (await this.#count([ingestedAfter(fromMs - 1, toMs - 1), query], signal)) - count;
      if (late > 0) for (const follower of followers) follower.late(late, fromMs, toMs);
    }
  }

  async #count(filter: Dsl[], signal: AbortSignal): Promise<number> {
    const { store, indices } = this.#options;
    const query = { bool: { filter } };
    const request = {
      indices,
      query,
      size: 0,
      order: 'asc',
      trackTotal: countMax,
      highlight: false,
    } as const;
    return (await store.search(request, signal)).total.value;
  }

  /** @returns how long to wait, milliseconds */
  #fail(error: unknown, failures: number): number {
    if (this.#narrow && isMillraceError(error, 'STORE_REJECTED')) {
      this.#narrow = false;
      return 0;
    }
    this.#down = true;
    for (const follower of this.#followers()) follower.failed(error);
    return backoffMs(backoff, failures, this.#options.clock.random);
  }

  #recover(): void {
    if (!this.#down) return;
    this.#down = false;
    for (const follower of this.#followers()) follower.recovered();
  }

  *#followers(): Generator<Follower> {
    for (const { followers } of this.#groups.values()) yield* followers;
  }
}

function nameOf({ query }: Follower): string {
  return JSON.stringify(query);
}

/** The engines' own limit. */
export const countMax = 2 ** 31 - 1;
