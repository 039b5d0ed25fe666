import type { EventTimes } from '@millrace/core/archive/footer.ts';
import type { SearchHit, SortValues, Store } from '@millrace/core/store/port.ts';
import type { Plan } from '../plan.ts';
import { fittingPage, PageSize } from './fitting-page.ts';

/** Where events are looked for. auto: in the store, and in the archive for what is in the archive only. */
export type FindSource = 'hot' | 'archive' | 'auto';

export interface FindRequest {
  plan: Plan;
  source: FindSource;
  order: 'asc' | 'desc';
  /** Hits at most. */
  limit: number;
  /** Sort values of a hit: goes on behind it. */
  after?: SortValues;
  highlight: boolean;
  /** Hits carry their record's bytes where the archive has them; with auto all of it is looked at, beside the store. */
  raw?: boolean;
  /** Seconds since 1970 of arrival: of the archive, what arrived then is looked at; absent: by the time asked for. */
  arrived?: EventTimes;
  /** Time that one question to the store, and the archive, may take; absent: as configured. */
  timeMsMax?: number;
  /** Told often how far it is. */
  onProgress?(progress: FindProgress): void;
}

export interface FindProgress {
  /** Archive objects, and bytes of theirs, looked at and known to be looked at; more may be known later. */
  objects: number;
  objectsTotal: number;
  bytes: number;
  bytesTotal: number;
}

/** Why not everything was looked at; a closed set, said to the client. */
export interface Shortfall {
  code:
    | 'time'
    | 'rows'
    | 'buckets'
    | 'point_lost'
    | 'archive_unreadable'
    | 'archive_not_counted'
    | 'store_unavailable'
    | 'no_archive';
  message: string;
}

export interface FindEnd {
  /** Empty: all that there is was found. */
  partial: Shortfall[];
}

/**
 * Hits in the order of (@timestamp, file, generation, offset, tie), each event once. Pages, streams, exports, contexts
 * and alerts all read events here.
 * @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED, ARCHIVE_UNAVAILABLE
 */
export type Finder = (request: FindRequest, signal: AbortSignal) => AsyncGenerator<SearchHit, FindEnd>;

/** Hits asked of the store at a time. */
const pageMax = 5_000;

/** A finder in the store alone. */
export function hotFinder(store: Store): Finder {
  return async function* find(request, signal) {
    const { plan, order, highlight, timeMsMax } = request;
    const asking = {
      indices: plan.indices,
      query: plan.query,
      order,
      trackTotal: 0,
      highlight,
      ...(timeMsMax === undefined ? {} : { timeMsMax }),
    };
    const size = new PageSize(pageMax);
    let left = request.limit;
    let after = request.after;
    while (left > 0) {
      const next = { ...asking, ...(after === undefined ? {} : { after }) };
      const { found, asked } = await fittingPage(store, next, size, left, signal);
      const { hits, cut } = found;
      yield* hits;
      if (cut) return { partial: [outOfTime(timeMsMax ?? 0)] };
      left -= hits.length;
      after = hits.at(-1)?.sort;
      if (hits.length < asked) break;
    }
    return { partial: [] };
  };
}

export function outOfTime(timeMsMax: number): Shortfall {
  return {
    code: 'time',
    message:
      `the search was stopped after ${timeMsMax} ms: hits may be missing anywhere; ask for a shorter time, ` +
      'a stream, a tag or a host, or for fewer wildcards',
  };
}
