import type { Dsl, SearchHit, SortValues, Store } from '@millrace/core/store/port.ts';
import { type Arrival, arrivalOf, keyOf } from './arrival.ts';
import { countMax } from './feed.ts';
import type { Handled } from './handled.ts';
import { ingestedAfter } from './ingested.ts';

/** What a viewer is for. */
export interface Subject {
  store: Store;
  indices: string[];
  query: Dsl;
  windowMs: number;
}

/** What arrived while a viewer was away. */
export interface Missed {
  /** Ids of what is to be delivered. */
  wanted: Set<string>;
  /** So many are not: more than are delivered at once, or too late to tell from those that were delivered before. */
  skipped: number;
  /** Where the viewer is when those are told of. */
  handled: Handled;
  /** Of the handled, those that are named, with their times. */
  named: Map<string, number>;
  /** Behind it the wanted are. */
  after: SortValues | undefined;
}

/** What is in the store already, at the time a viewer begins with what is new. */
export interface Present {
  /** Keys, with their times. */
  named: Map<string, number>;
  /** Up to here there may be more; milliseconds since 1970. */
  floor: number;
  before: number;
}

/** Documents that the engine gives at once. */
const listMax = 10_000;
const pageSize = 500;

/** What is within the window before `edge`, so that it is not taken for new. */
export async function presentSince(subject: Subject, edge: number, signal: AbortSignal): Promise<Present> {
  const start = edge - subject.windowMs;
  const { hits, total } = await newestFirst(subject, start, listMax, signal);
  const named = new Map(hits.map((hit) => [keyOf(hit.id), msOf(hit)]));
  const last = hits.at(-1);
  if (total <= hits.length || last === undefined) return { named, floor: start, before: 0 };
  return { named, floor: msOf(last), before: total - hits.length };
}

/** What of `handled`'s query came to be seen since; the newest `max` of it are wanted. */
export async function missedSince(
  subject: Subject,
  handled: Handled,
  max: number,
  signal: AbortSignal,
): Promise<Missed> {
  const start = handled.edge - subject.windowMs;
  const { hits, total } = await newestFirst(subject, start, max + 1, signal);
  const boundary = hits[max];
  const candidates = hits.slice(0, max).filter((hit) => msOf(hit) > handled.floor);
  const keys = new Set(handled.keys);
  const wanted = new Set<string>();
  const named = new Map<string, number>();
  for (const hit of candidates) {
    const key = keyOf(hit.id);
    if (keys.has(key)) named.set(key, msOf(hit));
    else wanted.add(hit.id);
  }
  const unhandled = total - handled.before - handled.keys.length;
  return {
    wanted,
    skipped: Math.max(0, unhandled - wanted.size),
    handled: {
      edge: handled.edge,
      floor: boundary === undefined ? handled.floor : Math.max(handled.floor, msOf(boundary)),
      before: total - candidates.length,
      keys: [],
    },
    named,
    after: boundary?.sort,
  };
}

/** The documents of what is wanted, oldest first, some at a time. */
export async function* documentsOf(
  { store, indices, query, windowMs }: Subject,
  { wanted, handled, after: behind }: Missed,
  signal: AbortSignal,
): AsyncGenerator<Arrival[]> {
  let left = wanted.size;
  let after = behind;
  const start = behind === undefined ? Math.max(handled.floor, handled.edge - windowMs) : 0;
  while (left > 0) {
    const { hits } = await store.search(
      {
        indices,
        query: { bool: { filter: [ingestedAfter(start), query] } },
        size: pageSize,
        order: 'asc',
        by: 'ingested',
        ...(after === undefined ? {} : { after }),
        trackTotal: 0,
        highlight: false,
      },
      signal,
    );
    const found = hits.filter(({ id }) => wanted.has(id)).map(arrivalOf);
    left -= found.length;
    yield found;
    if (hits.length < pageSize) return;
    after = hits.at(-1)?.sort;
  }
}

async function newestFirst(
  { store, indices, query }: Subject,
  start: number,
  size: number,
  signal: AbortSignal,
): Promise<{ hits: SearchHit[]; total: number }> {
  const { hits, total } = await store.search(
    {
      indices,
      query: { bool: { filter: [ingestedAfter(start), query] } },
      size,
      order: 'desc',
      by: 'ingested',
      fields: [],
      trackTotal: countMax,
      highlight: false,
    },
    signal,
  );
  return { hits, total: total.value };
}

/** The first member of the order by `event.ingested`. */
function msOf({ sort }: SearchHit): number {
  return Number(sort[0]);
}
