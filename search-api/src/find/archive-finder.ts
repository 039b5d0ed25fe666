import type { CatalogEntry } from '@millrace/archive/catalog.ts';
import type { ArchiveRequest, ArchiveSearch } from '@millrace/archive/search/archive-search.ts';
import { bothOf } from '@millrace/archive/search/units.ts';
import type { EventTimes } from '@millrace/core/archive/footer.ts';
import { dateStartMs } from '@millrace/core/document/index-name.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import type { Dsl, SearchHit, Store } from '@millrace/core/store/port.ts';
import { nameAllowed } from '../access/streams.ts';
import type { Cold } from '../archive/cold-watch.ts';
import type { Plan } from '../plan.ts';
import { type FindEnd, type Finder, type FindRequest, hotFinder, type Shortfall } from './finder.ts';
import { mergedHits, type Side } from './merged-hits.ts';

export interface ArchiveFinderOptions {
  store: Store;
  /** Begins a search of the archive. */
  search(request: ArchiveRequest, signal: AbortSignal): ArchiveSearch;
  /** What the store does not have; undefined: it cannot be told now. */
  cold(): Promise<Cold | undefined>;
  bytesMax: number;
  timeMsMax: number;
}

/** Finds what the store does not have of a plan; undefined: it has all. */
export type BesideStore = (plan: Plan) => Promise<Finder | undefined>;

const always: EventTimes = { first: Number.NEGATIVE_INFINITY, last: Number.POSITIVE_INFINITY };

/** A finder in the store and in the archive. */
export function archiveFinder(options: ArchiveFinderOptions): { find: Finder; beside: BesideStore } {
  const { store } = options;
  const hot = hotFinder(store);
  const beside: BesideStore = async (plan) => {
    const parts = await coldParts(options, plan);
    if (parts.length === 0) return undefined;
    return (request, signal) =>
      notInStore(store, request.plan, inArchive(options, request, parts, signal), signal);
  };
  async function* find(request: FindRequest, signal: AbortSignal): AsyncGenerator<SearchHit, FindEnd> {
    if (request.source === 'hot') return yield* hot(request, signal);
    if (request.source === 'archive')
      return yield* inArchive(options, request, [wholePart(request.plan)], signal);
    const found = storeSide(hot(request, signal), request.order);
    let parts: Part[];
    try {
      // Asked first: whether it answers decides what of the archive is looked at.
      const asked = request.raw ? [wholePart(request.plan)] : coldParts(options, request.plan);
      [parts] = await Promise.all([asked, found.start()]);
    } catch (error) {
      if (!isMillraceError(error, 'STORE_UNAVAILABLE')) throw error;
      const end = yield* inArchive(options, request, [wholePart(request.plan)], signal);
      return { partial: [storeDown, ...end.partial] };
    }
    if (parts.length === 0) return yield* found.rest();
    return yield* inArchive(options, request, parts, signal, found);
  }
  return { find, beside };
}

/** Event ids asked of the store at a time. */
const idsMax = 1_000;

/**
 * Leaves out what the store found as well: days before the horizon may have been replayed, and of an object without a
 * mark the store may have any part. Whoever counts in both would count those twice.
 */
async function* notInStore(
  store: Store,
  plan: Plan,
  found: AsyncGenerator<SearchHit, FindEnd>,
  signal: AbortSignal,
): AsyncGenerator<SearchHit, FindEnd> {
  let hits: SearchHit[] = [];
  try {
    for (;;) {
      const next = await found.next();
      if (next.done !== true) hits.push(next.value);
      if (hits.length < idsMax && next.done !== true) continue;
      const there = await idsInStore(store, plan, hits, signal);
      for (const hit of hits) if (!there.has(hit.id)) yield hit;
      hits = [];
      if (next.done === true) return next.value;
    }
  } finally {
    await found.return({ partial: [] });
  }
}

async function idsInStore(
  store: Store,
  { indices, query }: Plan,
  hits: readonly SearchHit[],
  signal: AbortSignal,
): Promise<Set<string>> {
  if (hits.length === 0) return new Set();
  const values = hits.map(({ id }) => id);
  const found = await store.search(
    {
      indices,
      query: { bool: { filter: [{ ids: { values } }, query] } },
      // An event may be in an index of its own and in one of a replay.
      size: 2 * values.length,
      order: 'desc',
      trackTotal: 0,
      highlight: false,
      fields: [],
    },
    signal,
  );
  return new Set(found.hits.map(({ id }) => id));
}

/** What of the archive is looked at, by a search of its own. */
interface Part {
  query: Dsl;
  times: EventTimes | undefined;
  /** Its query lets no other events through; absent: those of the plan. */
  within?: EventTimes;
  part?: ArchiveRequest['part'];
  also?: ArchiveRequest['also'];
  /** Told with what was found. */
  shortfalls?: Shortfall[];
}

async function* inArchive(
  { search, bytesMax, timeMsMax }: ArchiveFinderOptions,
  request: FindRequest,
  parts: Part[],
  signal: AbortSignal,
  hot?: ReturnType<typeof storeSide>,
): AsyncGenerator<SearchHit, FindEnd> {
  const { plan, order, limit, after, highlight, raw = false } = request;
  const end = new AbortController();
  const searches: ArchiveSearch[] = [];
  const progress = () => request.onProgress?.(sumOf(searches));
  try {
    for (const { query, times, within, part, also } of parts) {
      searches.push(
        search(
          {
            stream: plan.stream,
            wants: (stream) => nameAllowed(plan.streams, stream),
            query,
            times: times && bothOf(times, request.arrived ?? always),
            within: within ?? secondsOf(plan.fromNs, plan.toNs),
            order,
            limit,
            highlight,
            raw,
            bytesMax,
            timeMsMax: Math.min(timeMsMax, request.timeMsMax ?? timeMsMax),
            onProgress: progress,
            ...(after && { after }),
            ...(part && { part }),
            ...(also && { also }),
          },
          AbortSignal.any([signal, end.signal]),
        ),
      );
    }
    let left = limit;
    // Of copies the first side's is given: the archive's has the bytes.
    const sides = hot === undefined ? searches : raw ? [...searches, hot.side] : [hot.side, ...searches];
    if (left > 0)
      for await (const hit of mergedHits(sides, order)) {
        yield hit;
        if (--left === 0) break;
      }
    const partial = [
      ...(hot?.partial() ?? []),
      ...parts.flatMap(({ shortfalls = [] }) => shortfalls),
      ...searches.flatMap((one) => one.shortfalls),
    ];
    return { partial };
  } finally {
    for (const one of searches) one.close();
    end.abort();
  }
}

function sumOf(searches: readonly ArchiveSearch[]): ArchiveSearch['progress'] {
  const sum = { objects: 0, objectsTotal: 0, bytes: 0, bytesTotal: 0 };
  for (const { progress } of searches) {
    sum.objects += progress.objects;
    sum.objectsTotal += progress.objectsTotal;
    sum.bytes += progress.bytes;
    sum.bytesTotal += progress.bytesTotal;
  }
  return sum;
}

/** The store as one side of several, its first hit asked for ahead. */
function storeSide(hits: AsyncGenerator<SearchHit, FindEnd>, order: 'asc' | 'desc') {
  let first: Promise<IteratorResult<SearchHit, FindEnd>> | undefined;
  let partial: Shortfall[] = [];
  const take = async () => {
    const next = first === undefined ? hits.next() : first;
    first = undefined;
    return next;
  };
  const side: Side = {
    // Of the store nothing is known before it is asked, which costs little.
    bound: order === 'desc' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
    async next() {
      const next = await take();
      if (next.done !== true) return next.value;
      // Asked again behind its end, a generator has nothing more to say.
      partial = next.value?.partial ?? partial;
      return undefined;
    },
  };
  return {
    side,
    partial: () => partial,
    async start() {
      first = hits.next();
      await first;
    },
    async *rest(): AsyncGenerator<SearchHit, FindEnd> {
      for (;;) {
        const next = await take();
        if (next.done === true) return next.value;
        yield next.value;
      }
    },
  };
}

function wholePart({ query, fromNs, toNs }: Plan): Part {
  return { query, times: secondsOf(fromNs, toNs) };
}

/** What the store does not have: days before the hot horizon, and objects without a mark. */
async function coldParts({ store, cold }: ArchiveFinderOptions, plan: Plan): Promise<Part[]> {
  const known = await cold();
  if (known === undefined) return [{ query: { match_all: {} }, times: undefined, shortfalls: [unknownCold] }];
  const concerns = (stream: string) =>
    (plan.stream === undefined || plan.stream === stream) && nameAllowed(plan.streams, stream);
  return [...pastPart(known, plan, concerns), ...(await unmarkedPart(store, known, plan, concerns))];
}

type Concerns = (stream: string) => boolean;

/** Before the horizons, and all of streams that the store knows too little of. */
function pastPart({ horizons, whole }: Cold, plan: Plan, concerns: Concerns): Part[] {
  const asked = secondsOf(plan.fromNs, plan.toNs);
  if ([...whole].some(concerns)) {
    const part = (stream: string) => (whole.has(stream) ? always : before(horizons.get(stream)));
    return [{ query: plan.query, times: asked, part }];
  }
  const dates = [...horizons].filter(([stream]) => concerns(stream)).map(([, date]) => date);
  const latest = before(dates.sort().at(-1));
  if (latest === undefined || asked.first > latest.last) return [];
  const past = { first: asked.first, last: Math.min(asked.last, latest.last) };
  const until = new Date((latest.last + 1) * 1000).toISOString();
  return [
    {
      query: { bool: { filter: [{ range: { '@timestamp': { lt: until } } }, plan.query] } },
      times: past,
      within: past,
      part: (stream) => before(horizons.get(stream)),
    },
  ];
}

async function unmarkedPart(store: Store, cold: Cold, plan: Plan, concerns: Concerns): Promise<Part[]> {
  const entries = cold.unmarked.filter(({ footer }) => concerns(footer.stream));
  const shortfalls = cold.unreadable
    .filter(({ stream }) => concerns(stream))
    .map(({ message }): Shortfall => ({ code: 'archive_unreadable', message }));
  if (entries.length === 0 && shortfalls.length === 0) return [];
  // What was known some seconds ago: an object that is marked by now need not be read.
  const marked = await markedNow(store, entries.slice(0, keysMax));
  const also = entries.filter(({ key }) => !marked.has(key));
  if (also.length === 0 && shortfalls.length === 0) return [];
  return [{ query: plan.query, times: undefined, also, shortfalls }];
}

const keysMax = 1_000;

/** While the store is down none are: the archive has their events, and whoever asks the store learns that it is down. */
async function markedNow(store: Store, entries: CatalogEntry[]): Promise<Set<string>> {
  try {
    return await store.marked(entries.map(({ key }) => key));
  } catch (error) {
    if (isMillraceError(error, 'STORE_UNAVAILABLE')) return new Set();
    throw error;
  }
}

/** The times before a date of an index; undefined where there is none. */
function before(date: string | undefined): EventTimes | undefined {
  if (date === undefined) return undefined;
  return {
    first: Number.NEGATIVE_INFINITY,
    last: dateStartMs(date) / 1000 - 1,
  };
}

function secondsOf(fromNs: bigint | undefined, toNs: bigint | undefined): EventTimes {
  return {
    first: fromNs === undefined ? Number.NEGATIVE_INFINITY : Number(fromNs / 1_000_000_000n),
    last: toNs === undefined ? Number.POSITIVE_INFINITY : Number(toNs / 1_000_000_000n),
  };
}

const storeDown: Shortfall = {
  code: 'store_unavailable',
  message: 'the search store does not answer: only the archive was searched, which lacks the last minutes',
};
const unknownCold: Shortfall = {
  code: 'archive_unreadable',
  message: 'what is in the archive only cannot be told now: only the search store was searched',
};

/** For servers without an archive. @throws MillraceError QUERY_INVALID */
export function withoutArchive(hot: Finder): Finder {
  return (request, signal) => {
    if (request.source !== 'archive') return hot(request, signal);
    throw new MillraceError('QUERY_INVALID', 'this search API does not know the archive', {
      hint: 'write the bucket into search-api.json, section archive, or leave source=archive out',
    });
  };
}
