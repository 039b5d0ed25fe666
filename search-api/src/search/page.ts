import { isPointGone } from '@millrace/core/store/failure.ts';
import type { SearchRequest, SearchResponse, SortValues, Store } from '@millrace/core/store/port.ts';
import type { Cursor, Total } from '../cursor.ts';
import { outOfTime, type Shortfall } from '../find/finder.ts';
import type { Plan } from '../plan.ts';
import type { Point, Points } from './points.ts';

export interface PageRequest {
  plan: Plan;
  size: number;
  order: 'asc' | 'desc';
  cursor?: Cursor | undefined;
  highlight: boolean;
  fields?: string[] | undefined;
  timeMsMax: number;
  totalMax: number;
}

export interface Page {
  tookMs: number;
  total: Total;
  /** In the order asked for, whichever way the page was reached. */
  hits: SearchResponse['hits'];
  /** Where the page after this one begins, and the one before ends; undefined: there is none. */
  next?: PageEnd;
  previous?: PageEnd;
  point?: Point;
  partial: Shortfall[];
}

export type PageEnd = Pick<Cursor, 'side' | 'values'>;

/** Reads one page; from the second one on within a point in time, so that what arrives moves no row. */
export async function readPage(
  { store, points }: { store: Store; points: Points },
  request: PageRequest,
  signal: AbortSignal,
): Promise<Page> {
  const { cursor, size, order } = request;
  const backward = cursor?.side === 'previous';
  const { response, point, lost } = await searchWithin(store, points, request, signal);
  const more = response.hits.length > size;
  const hits = response.hits.slice(0, size);
  if (backward) hits.reverse();
  const ends = pageEnds(hits, cursor, more, order);
  const partial: Shortfall[] = [];
  if (response.cut) partial.push(outOfTime(request.timeMsMax));
  if (lost) partial.push(pointLost);
  return {
    tookMs: response.tookMs,
    total: cursor?.total ?? response.total,
    hits,
    ...(size === 0 ? {} : ends),
    ...(point === undefined ? {} : { point }),
    partial,
  };
}

interface Found {
  response: SearchResponse;
  point?: Point;
  /** The cursor's point was gone. */
  lost: boolean;
}

/** A point that is gone is made again: sort values mean the same in any. Without one, pages are right all the same. */
async function searchWithin(
  store: Store,
  points: Points,
  request: PageRequest,
  signal: AbortSignal,
): Promise<Found> {
  const { cursor } = request;
  const { indices } = request.plan;
  const search = searchRequest(request);
  if (cursor === undefined) return { response: await store.search(search, signal), lost: false };
  let point = cursor.point === undefined ? undefined : points.find(cursor.point, indices);
  let lost = cursor.point !== undefined && point === undefined;
  for (let tries = 0; tries < 2; tries++) {
    point ??= await points.make(indices, signal);
    if (point === undefined) break;
    try {
      const within = { ...search, point: point.name, pointKeepMs: points.keepMs };
      const response = await store.search(within, signal);
      if (response.point !== undefined) points.renamed(point.token, response.point);
      return { response, point, lost };
    } catch (error) {
      if (!isPointGone(error)) throw error;
      points.forget(point.token);
      point = undefined;
      lost = true;
    }
  }
  return { response: await store.search(search, signal), lost };
}

function searchRequest(request: PageRequest): SearchRequest {
  const { plan, size, order, cursor, highlight, fields } = request;
  const backward = cursor?.side === 'previous';
  return {
    indices: plan.indices,
    query: plan.query,
    // One more than asked for says whether there is a page beyond.
    size: size === 0 ? 0 : size + 1,
    order: backward ? opposite(order) : order,
    ...(cursor === undefined ? {} : { after: cursor.values }),
    // Counted once: pages of one query have one total, and need not look at what is beyond them.
    trackTotal: cursor?.total === undefined ? request.totalMax : 0,
    highlight,
    ...(fields === undefined ? {} : { fields }),
    timeMsMax: request.timeMsMax,
  };
}

/** On the side a page was reached from there is always one, on the other side when there was a hit more. */
export function pageEnds(
  hits: Page['hits'],
  cursor: Cursor | undefined,
  more: boolean,
  order: 'asc' | 'desc',
): Pick<Page, 'next' | 'previous'> {
  const first = hits[0];
  const last = hits.at(-1);
  if (first === undefined || last === undefined) {
    if (cursor === undefined) return {};
    // Back to the hit that the cursor named, which is no longer behind it.
    const values = before(cursor.values, cursor.side === 'next' ? opposite(order) : order);
    return cursor.side === 'next'
      ? { previous: { side: 'previous', values } }
      : { next: { side: 'next', values } };
  }
  const backward = cursor?.side === 'previous';
  const hasNext = backward || more;
  const hasPrevious = backward ? more : cursor !== undefined;
  return {
    ...(hasNext ? { next: { side: 'next', values: last.sort } } : {}),
    ...(hasPrevious ? { previous: { side: 'previous', values: first.sort } } : {}),
  };
}

/** Values just before a hit's in an order, so that a page after them begins with the hit. */
function before(values: SortValues, order: 'asc' | 'desc'): SortValues {
  const tie = values.at(-1);
  return typeof tie === 'number' ? [...values.slice(0, -1), order === 'asc' ? tie - 1 : tie + 1] : values;
}

export function opposite(order: 'asc' | 'desc'): 'asc' | 'desc' {
  return order === 'asc' ? 'desc' : 'asc';
}

const pointLost: Shortfall = {
  code: 'point_lost',
  message:
    'the point in time of the pages before is gone: events that were indexed since then may have come between them',
};
