/**
 * The narrow port to a search store. Two adapters, one conformance suite; nothing here that only one engine has.
 * Every method throws MillraceError STORE_UNAVAILABLE (try again) or STORE_REJECTED (do not).
 */
export interface Store {
  /** Engine name and version, e.g. `opensearch 3.6.0`. */
  describe(signal?: AbortSignal): Promise<string>;
  /** Installs or updates index templates; idempotent, safe when two versions run. */
  install(signal?: AbortSignal): Promise<void>;
  /**
   * One `_bulk` of `create` actions. `body` is NDJSON as made by `bulkAction`; the answer has one result per
   * action in order. A whole-call failure throws; a per-document failure is a result.
   */
  bulkCreate(body: string, count: number, signal?: AbortSignal): Promise<BulkResult[]>;
  /** Marks, by object key (D5). */
  putMark(mark: Mark, signal?: AbortSignal): Promise<void>;
  /** Which of these object keys have a mark; at most 1,000 keys a call. */
  marked(keys: string[], signal?: AbortSignal): Promise<Set<string>>;
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResponse>;
  histogram(request: HistogramRequest, signal?: AbortSignal): Promise<HistogramResponse>;
  /** Makes everything indexed so far visible to search; for tests and `up`'s first line. */
  refresh(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** created: new; exists: 409, the same event is there already (D5); retry: 429/5xx; rejected: 400 and others. */
export type BulkResult =
  | { kind: 'created' }
  | { kind: 'exists' }
  | { kind: 'retry'; status: number; reason: string }
  | { kind: 'rejected'; status: number; type: string; reason: string };

/** Written when the store has answered for every event of an archive object. */
export interface Mark {
  /** Archive object key. */
  object: string;
  stream: string;
  /** Events in the object (one of each block id), and how the store answered for them. */
  events: number;
  indexed: number;
  /** Events that could only be indexed in the fallback shape, or not at all. */
  exceptions: MarkException[];
}

export interface MarkException {
  /** Event id. */
  id: string;
  reason: string;
  /** fallback: indexed as raw message; missing: not indexed. */
  outcome: 'fallback' | 'missing';
}

/** The engine's query DSL, as made by core/query; the same for both engines. */
export type Dsl = Record<string, unknown>;

export interface SearchRequest {
  /** Index patterns, e.g. `millrace-app-*`. */
  indices: string[];
  query: Dsl;
  /** Documents to return, 0 to 10,000. */
  size: number;
  /** Order by (@timestamp, log.file.path, generation, log.offset, id), all in this direction. */
  order: 'asc' | 'desc';
  /** Sort values of the last hit of the page before. */
  after?: SortValues;
  /** Count hits exactly up to this many. */
  trackTotal: number;
  /** Highlight matches in `message`. */
  highlight: boolean;
}

export type SortValues = (string | number | null)[];

export interface SearchHit {
  id: string;
  index: string;
  source: Record<string, unknown>;
  sort: SortValues;
  /** Fragments of `message` with matches between \u0001 and \u0002, when asked for. */
  highlight?: string;
}

export interface SearchResponse {
  tookMs: number;
  total: { value: number; relation: 'eq' | 'gte' };
  hits: SearchHit[];
}

export interface HistogramRequest {
  indices: string[];
  query: Dsl;
  /** Width of a bucket, milliseconds. */
  intervalMs: number;
  /** Bounds, milliseconds since 1970, for empty buckets. */
  fromMs: number;
  toMs: number;
}

export interface HistogramResponse {
  tookMs: number;
  buckets: { fromMs: number; count: number }[];
}
