import type {
  HistogramRequest,
  SearchHit,
  SearchRequest,
  SearchResponse,
  SortValues,
  Store,
} from '@millrace/core/store/port.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';

/** A store for tests of routes: keeps the order and paging of the port, looks at no query, notes what was asked. */
export interface FakeStore extends Store {
  searches: SearchRequest[];
  histograms: HistogramRequest[];
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
  const store: FakeStore = {
    ...unusedStore(),
    searches: [],
    histograms: [],
    before: async () => {},
    describe: async (signal) => {
      await store.before(signal);
      return 'fake 1.0.0';
    },
    async search(request, signal) {
      store.searches.push(request);
      await store.before(signal);
      return answer(documents, request);
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
