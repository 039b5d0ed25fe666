import { exactJson } from '../../document/json-text.ts';
import { MillraceError } from '../../errors.ts';
import { isPointGone, isTooLarge, StoreRejection } from '../failure.ts';
import type { ScanRequest, SearchHit, Store } from '../port.ts';
import { isRecord } from './errors.ts';
import { indexTarget, missingIndices } from './indices.ts';
import { searchResponse } from './search.ts';
import type { Call } from './transport.ts';
import { wholeOptions } from './whole.ts';

type Send = (what: string, call: Call) => Promise<{ status: number; body: unknown }>;

/** Documents of one answer; larger ones are no faster. */
const pageMax = 3_000;
/** Documents by which is told how many of them fit in a page. */
const lookedAt = 100;
const indicesMax = 10_000;

/**
 * Scrolls in the order in which documents lie: the engine sorts nothing, and unpacks stored fields many at a time. Of a
 * point in time OpenSearch gives that order only since 3.3. `read`: may be sent again; `once`: a page that is asked for
 * again is the one behind it.
 */
export function scanning(read: Send, once: Send): Pick<Store, 'scan'> {
  return {
    async *scan(request, signal) {
      const target = indexTarget(request.indices);
      if (target === undefined) return;
      const { size, indices } = await look(read, target, request, signal);
      // One index after another: of many at a time a page has few documents of each, which lie apart.
      for (const index of indices) yield* indexPages(read, once, index, { ...request, size }, signal);
    },
  };
}

/** How many documents a page may have, and which indices have any, the newest first. */
async function look(
  read: Send,
  target: string,
  { query, pageBytes }: ScanRequest,
  signal: AbortSignal | undefined,
): Promise<{ size: number; indices: string[] }> {
  const terms = { field: '_index', size: indicesMax, order: { _key: 'desc' } };
  const aggs = { indices: { terms } };
  const body = { query, size: lookedAt, sort: ['_doc'], track_total_hits: false, aggs };
  const answer = await read('_search', { ...searchOf(target), body, signal });
  const { hits } = searchResponse(answer.body, 'event');
  const bytes = hits.reduce((sum, { source }) => sum + exactJson(source).length, 0);
  const fitting = hits.length === 0 ? pageMax : Math.floor((pageBytes * hits.length) / bytes);
  return { size: Math.max(10, Math.min(pageMax, fitting)), indices: indicesOf(answer.body) ?? [target] };
}

/** Undefined: there are more than were named. */
function indicesOf(body: unknown): string[] | undefined {
  const found = isRecord(body) && isRecord(body.aggregations) ? body.aggregations.indices : undefined;
  if (!isRecord(found)) return [];
  if (Number(found.sum_other_doc_count) > 0) return undefined;
  const buckets: unknown[] = Array.isArray(found.buckets) ? found.buckets : [];
  return buckets.filter(isRecord).map(({ key }) => encodeURIComponent(String(key)));
}

async function* indexPages(
  read: Send,
  once: Send,
  target: string,
  { query, keepMs, size }: ScanRequest & { size: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<SearchHit[], void> {
  const keep = `${keepMs}ms`;
  const end = new AbortController();
  const ending = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  const opened = searchOf(target);
  const open = async (size: number): ReturnType<Send> => {
    const body = { query, size, sort: ['_doc'] };
    const call: Call = { ...opened, query: { ...opened.query, scroll: keep }, body, signal: ending };
    return read('_search', call).catch((error: unknown) => {
      if (!isTooLarge(error) || size === 1) throw error;
      return open(Math.max(1, Math.floor(size / 10)));
    });
  };
  let answer = await open(size);
  let scroll = scrollOf(answer.body);
  try {
    for (;;) {
      const hits = hitsOf(answer.body);
      if (hits.length === 0) return;
      const following: Call = {
        method: 'POST',
        path: '/_search/scroll',
        body: { scroll: keep, scroll_id: scroll },
        signal: ending,
      };
      // Asked for now: the engine is at it while this page is written. It may fail before its turn, then it is thrown.
      const next = once('scroll', following);
      next.catch(() => {});
      yield hits;
      answer = await next;
      scroll = scrollOf(answer.body) ?? scroll;
    }
  } catch (error) {
    if (isTooLarge(error)) throw pageTooLarge();
    throw isPointGone(error) ? placeLost() : error;
  } finally {
    end.abort();
    await forget(once, scroll);
  }
}

function searchOf(target: string): Required<Pick<Call, 'method' | 'path' | 'query'>> {
  const query = { ...wholeOptions(undefined).query, ...missingIndices };
  return { method: 'POST', path: `/${target}/_search`, query };
}

/** @throws MillraceError when a shard is missing */
function hitsOf(body: unknown): SearchHit[] {
  const { hits } = searchResponse(body, 'event');
  // The place in a shard is nothing to go on behind.
  for (const hit of hits) hit.sort = [];
  return hits;
}

function scrollOf(body: unknown): string | undefined {
  return isRecord(body) && typeof body._scroll_id === 'string' ? body._scroll_id : undefined;
}

/** An engine that does not take it forgets it by itself, after `keepMs`. */
async function forget(once: Send, scroll: string | undefined): Promise<void> {
  if (scroll === undefined) return;
  const call: Call = {
    method: 'DELETE',
    path: '/_search/scroll',
    body: { scroll_id: [scroll] },
    accept: [404],
  };
  await once('close a scroll', call).catch(() => {});
}

/** A scroll's pages are as large as its first was asked for, and none comes twice. */
function pageTooLarge(): MillraceError {
  return new StoreRejection(413, 'documents of a scan are far larger than the first of them', {
    hint: 'read them in the order of time (sort=desc), or raise store.answer_bytes_max',
  });
}

function placeLost(): MillraceError {
  return new MillraceError('STORE_UNAVAILABLE', 'the engine has lost its place in a scan', {
    hint: 'ask again: a shard moved, its index was deleted, or pages were taken too slowly',
  });
}
