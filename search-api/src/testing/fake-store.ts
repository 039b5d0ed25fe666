import type { AggregateRequest, AggregateResult } from '@millrace/core/store/aggregation.ts';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import type {
  HistogramRequest,
  SearchHit,
  SearchRequest,
  SearchResponse,
  SortValues,
  Store,
} from '@millrace/core/store/port.ts';
import { memoryObjects } from '@millrace/core/testing/memory-objects.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';

/** A store for tests of routes: keeps the order and paging of the port, looks at no query, notes what was asked. */
export interface FakeStore extends Store {
  searches: SearchRequest[];
  histograms: HistogramRequest[];
  aggregations: AggregateRequest[];
  /** What aggregations answer, by the name of the part; absent: nothing was counted. */
  counts: Record<string, AggregateResult>;
  /** Hot horizons, by stream. */
  horizonDates: Map<string, string>;
  /** Points in time that are open, with the documents there were then. */
  points: Map<string, FakeDocument[]>;
  /** Called before every answer; may throw or wait. */
  before: (signal: AbortSignal | undefined) => Promise<void>;
}

export interface FakeDocument {
  id: string;
  source: Record<string, unknown>;
  sort: SortValues;
  highlight?: string;
}

/** A document whose sort values come from time, file and offset. */
export function fakeDocument(time: string, file: string, offset: number, message: string): FakeDocument {
  const generation = `generation-of-${file}`;
  return {
    id: `${file}:${offset}`,
    source: {
      '@timestamp': time,
      message,
      tag: 'app',
      host: { name: 'web-1' },
      log: { file: { path: file }, offset },
      event: { generation, tie: offset },
    },
    sort: [time, file, generation, offset, offset],
  };
}

export function createFakeStore(documents: FakeDocument[]): FakeStore {
  let opened = 0;
  const store: FakeStore = {
    ...unusedStore(),
    searches: [],
    histograms: [],
    aggregations: [],
    counts: {},
    horizonDates: new Map(),
    horizons: async () => store.horizonDates,
    points: new Map(),
    objects: memoryObjects(),
    before: async () => {},
    describe: async (signal) => {
      await store.before(signal);
      return 'fake 1.0.0';
    },
    async search(request, signal) {
      store.searches.push(request);
      await store.before(signal);
      if (request.point === undefined) return answer(documents, request);
      const then = store.points.get(request.point);
      if (then === undefined) throw new StoreRejection(404, 'no such point');
      return answer(then, request);
    },
    async *scan(_request, signal) {
      for (let from = 0; from < documents.length; from += 1_000) {
        await store.before(signal);
        yield documents
          .slice(from, from + 1_000)
          .map((doc): SearchHit => ({ index: 'millrace-app-2026.11.22', ...doc, sort: [] }));
      }
    },
    async openPoint(_indices, _keepMs, signal) {
      await store.before(signal);
      const point = `point-${++opened}`;
      store.points.set(point, [...documents]);
      return point;
    },
    async closePoint(point) {
      store.points.delete(point);
    },
    async aggregate(request, signal) {
      store.aggregations.push(request);
      await store.before(signal);
      const names = Object.keys(request.parts);
      const parts = Object.fromEntries(names.map((name) => [name, store.counts[name] ?? {}]));
      return { tookMs: 1, total: documents.length, parts };
    },
    async histogram(request, signal) {
      store.histograms.push(request);
      await store.before(signal);
      const buckets = [];
      const first = Math.floor(request.fromMs / request.intervalMs) * request.intervalMs;
      for (let fromMs = first; fromMs < request.toMs; fromMs += request.intervalMs) {
        const inside = (time: number) => time >= fromMs && time < fromMs + request.intervalMs;
        const count = documents.filter((doc) => inside(Date.parse(String(doc.sort[0])))).length;
        buckets.push({ fromMs, count });
      }
      return { tookMs: 1, buckets };
    },
    refresh: async () => {},
  };
  return store;
}

function answer(documents: FakeDocument[], request: SearchRequest): SearchResponse {
  const sign = request.order === 'asc' ? 1 : -1;
  const { after } = request;
  const hits = documents
    .filter((doc) => after === undefined || compare(doc.sort, after) * sign > 0)
    .sort((a, b) => compare(a.sort, b.sort) * sign)
    .slice(0, request.size)
    .map((doc): SearchHit => ({ index: 'millrace-app-2026.11.22', ...doc }));
  return { tookMs: 1, total: { value: documents.length, relation: 'eq' }, hits };
}

function compare(a: SortValues, b: SortValues): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? null;
    if (value === other) continue;
    return (value ?? '') < (other ?? '') ? -1 : 1;
  }
  return 0;
}
