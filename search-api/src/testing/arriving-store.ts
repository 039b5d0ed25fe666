import { MillraceError } from '@millrace/core/errors.ts';
import { matcherOf } from '@millrace/core/query/match.ts';
import type {
  SearchHit,
  SearchRequest,
  SearchResponse,
  SortValues,
  Store,
} from '@millrace/core/store/port.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';

/** A store whose documents come to be seen later than they are stamped, in any order, as those of an index do. */
export interface ArrivingStore extends Store {
  /** A document that is seen from `visibleMs` on. */
  add(document: ArrivingDocument): void;
  searches: SearchRequest[];
  down: boolean;
  documents: ArrivingDocument[];
}

export interface ArrivingDocument {
  id: string;
  tag: string;
  message: string;
  ingestedMs: number;
  visibleMs: number;
}

export function arrivingStore(now: () => number): ArrivingStore {
  const store: ArrivingStore = {
    ...unusedStore(),
    documents: [],
    searches: [],
    down: false,
    add: (document) => store.documents.push(document),
    async search(request) {
      store.searches.push(request);
      if (store.down) throw new MillraceError('STORE_UNAVAILABLE', 'down');
      // An answer takes its time; what becomes visible meanwhile is not in it.
      const found = answer(store.documents, request, now());
      await Promise.resolve();
      return found;
    },
  };
  return store;
}

function answer(documents: ArrivingDocument[], request: SearchRequest, nowMs: number): SearchResponse {
  const matches = matcherOf(request.query);
  const sign = request.order === 'asc' ? 1 : -1;
  const { after } = request;
  const all = documents
    .filter(({ visibleMs }) => visibleMs <= nowMs)
    .map(hitOf)
    .filter(({ id, source }) => matches(id, source));
  const hits = all
    .filter(({ sort }) => after === undefined || compare(sort, after) * sign > 0)
    .sort((a, b) => compare(a.sort, b.sort) * sign)
    .slice(0, request.size);
  return { tookMs: 1, total: { value: all.length, relation: 'eq' }, hits };
}

function hitOf({ id, tag, message, ingestedMs }: ArrivingDocument): SearchHit {
  const ingested = new Date(ingestedMs).toISOString();
  return {
    id,
    index: 'millrace-logs-2026.02.03',
    source: { '@timestamp': ingested, tag, message, event: { ingested } },
    sort: [ingestedMs, id],
  };
}

function compare(a: SortValues, b: SortValues): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? null;
    if (value !== other) return (value ?? '') < (other ?? '') ? -1 : 1;
  }
  return 0;
}
