import type { AggregateRequest, AggregateResponse } from './aggregation.ts';
import type { ObjectCabinet } from './objects.ts';

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
  bulkCreate(body: string | Buffer, count: number, signal?: AbortSignal): Promise<BulkResult[]>;
  /**
   * One `_bulk` of `index` and `delete` actions, as made by `bulkAction` and `deleteAction`: for corrections.
   * `created` is done, also for a delete of what is not there; never `exists`.
   */
  bulkApply(body: string | Buffer, count: number, signal?: AbortSignal): Promise<BulkResult[]>;
  /** Marks, by object key (D5). */
  putMark(mark: Mark, signal?: AbortSignal): Promise<void>;
  /** Which of these object keys have a mark; at most 1,000 keys a call. */
  marked(keys: string[], signal?: AbortSignal): Promise<Set<string>>;
  /** Marks of these objects, in full; at most 1,000 keys a call. */
  marksOf(keys: string[], signal?: AbortSignal): Promise<Map<string, Mark>>;
  /**
   * Marks that say that something was set aside, in order of object key, after the key `after`; at most 1,000 a call.
   * A mark is met a second after it was written, or after `refresh`.
   */
  marksSetAside(
    page: { stream?: string; after?: string; size: number },
    signal?: AbortSignal,
  ): Promise<Mark[]>;
  /** Puts a mark in place of the one that the object may have: it was handled again. */
  replaceMark(mark: Mark, signal?: AbortSignal): Promise<void>;
  /** The indices of events, by name; documents and bytes on disk as of the last refresh. */
  indices(signal?: AbortSignal): Promise<IndexFigures[]>;
  /** Deletes one index of events; no error when it is gone. */
  deleteIndex(index: string, signal?: AbortSignal): Promise<void>;
  /** Which of these event ids an index holds, as of now; at most 10,000 ids a call. */
  present(index: string, ids: string[], signal?: AbortSignal): Promise<Set<string>>;
  /** Hot horizons (D7): per stream the first date, `YYYY.MM.DD`, whose events are indexed; absent: all are. */
  horizons(signal?: AbortSignal): Promise<Map<string, string>>;
  /** Moves a stream's horizon forward; an earlier date than the stored one changes nothing. */
  moveHorizon(stream: string, date: string, signal?: AbortSignal): Promise<void>;
  /**
   * Marks of objects whose keys begin with `prefix`, in order of object key, after the key `after`; at most 1,000 a
   * call. A mark is met a second after it was written, or after `refresh`.
   */
  marks(page: { prefix: string; after?: string; size: number }, signal?: AbortSignal): Promise<Mark[]>;
  /**
   * How many events an index holds of each generation, in order of generation, after `after`; at most 10,000 a call.
   * Nothing for an index that does not exist.
   */
  generations(
    page: { index: string; after?: string; size: number },
    signal?: AbortSignal,
  ): Promise<{ generation: string; events: number }[]>;
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResponse>;
  /**
   * All documents of a query as of about now, page by page, in the order in which they lie: many times as fast as in
   * an order. Indices come one after another, the newest first. What it holds in the engine is given back when it
   * ends, also early; it fails when a page is not taken within `keepMs`.
   */
  scan(request: ScanRequest, signal?: AbortSignal): AsyncGenerator<SearchHit[], void>;
  /**
   * A point in time of these indices, for `SearchRequest.point`: what is indexed later is not seen there. Engines keep
   * few of them; one that nobody used for `keepMs` is gone.
   */
  openPoint(indices: string[], keepMs: number, signal?: AbortSignal): Promise<string>;
  /** No error when it is gone. */
  closePoint(point: string, signal?: AbortSignal): Promise<void>;
  /** Counts by values, times and filters, in one question. */
  aggregate(request: AggregateRequest, signal?: AbortSignal): Promise<AggregateResponse>;
  histogram(request: HistogramRequest, signal?: AbortSignal): Promise<HistogramResponse>;
  /** Small JSON documents that the search API keeps, read after write. */
  objects: ObjectCabinet;
  /** Makes everything indexed so far visible to search; for tests and `up`'s first line. */
  refresh(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface IndexFigures {
  index: string;
  documents: number;
  bytes: number;
}

/**
 * Why a document must wait. block: its index takes nothing now, as when a disk is full (flood stage); shards: its
 * index cannot be made, the cluster has as many shards as it may have. Absent: load, or a fault of the engine.
 */
export type RetryCause = 'block' | 'shards';

/** created: new; exists: 409, the same event is there already (D5); retry: 429/5xx; rejected: 400 and others. */
export type BulkResult =
  | { kind: 'created' }
  | { kind: 'exists' }
  | { kind: 'retry'; status: number; reason: string; cause?: RetryCause }
  | { kind: 'rejected'; status: number; type: string; reason: string };

/** Written when the store has answered for every event of an archive object. */
export interface Mark {
  /** Archive object key. */
  object: string;
  stream: string;
  /** Events in the object (one of each block id), and how the store answered for them. */
  events: number;
  indexed: number;
  /** What could only be indexed in the fallback shape, or not at all: the first of it. */
  exceptions: MarkException[];
  /** Events and undecodable blocks set aside, named in `exceptions` or not; absent: as many as are named. */
  setAside?: number;
  /** Events older than the hot horizon, that are in the archive only; absent: none. */
  cold?: number;
  /** What its writer could read, e.g. `wire 1 rule 1`: exceptions of a mark by another version are tried again. */
  reads?: string;
}

export interface MarkException {
  /** Event id; block id where a block as a whole is meant. */
  id: string;
  reason: string;
  /** fallback: indexed as raw message; missing: not indexed. */
  outcome: 'fallback' | 'missing';
  /** block: does not decode; rule: no document can be made by its rule; absent: the store refused the document. */
  kind?: 'block' | 'rule';
  /** Block id, 32 hexadecimal digits. */
  block?: string;
  /** Index that the event belongs to. */
  index?: string;
  host?: string;
  /** Parser of the event's rule and a digest of the rule's text: `json-1a2b3c4d`. */
  rule?: string;
}

/** The engine's query DSL, as made by core/query; the same for both engines. */
export type Dsl = Record<string, unknown>;

export interface SearchRequest {
  /** Index patterns, e.g. `millrace-app-*`. With `point`, those of the point count. */
  indices: string[];
  query: Dsl;
  /** Documents to return, 0 to 10,000. */
  size: number;
  /** All members of the order in this direction. */
  order: 'asc' | 'desc';
  /**
   * event, the default: order by (@timestamp, log.file.path, generation, log.offset, tie). ingested: by
   * (event.ingested, generation, log.offset, tie), for who follows what arrives. offset: by (generation, log.offset,
   * tie), for who reads a file.
   */
  by?: 'event' | 'ingested' | 'offset';
  /** Sort values of the last hit of the page before. */
  after?: SortValues;
  /** Count hits exactly up to this many. */
  trackTotal: number;
  /** Highlight matches in `message`. */
  highlight: boolean;
  /** Dotted members of the source to return, with all that is below them; absent: all. */
  fields?: string[];
  /**
   * Also `kv` and `kn`, of which a matcher reads a user's own fields; they are derived from `fields`. Without `fields`
   * documents come as they are stored, which costs the engine a third of choosing members.
   */
  containers?: boolean;
  /**
   * Of `openPoint`: looks at what was there then. One that is gone is StoreRejection with status 404 (`isPointGone`);
   * as sort values mean the same without it, the caller may go on without.
   */
  point?: string;
  /** Keeps the point for so long again; absent: as long as it has left. */
  pointKeepMs?: number;
  /** The engine stops about then, within a quarter of a second; what it has is the answer, `cut`. */
  timeMsMax?: number;
}

export interface ScanRequest {
  /** Index patterns. */
  indices: string[];
  query: Dsl;
  /** About so many bytes of documents a page, by the first of them. */
  pageBytes: number;
  /** How long the engine keeps the place in the scan after each page, milliseconds. */
  keepMs: number;
}

export type SortValues = (string | number | null)[];

export interface SearchHit {
  id: string;
  index: string;
  source: Record<string, unknown>;
  sort: SortValues;
  /** Fragments of `message` with matches between \u0001 and \u0002, when asked for. */
  highlight?: string;
  /** The record as it was written, with its terminator: of hits in the archive, when asked for. */
  raw?: Uint8Array;
}

export interface SearchResponse {
  tookMs: number;
  total: { value: number; relation: 'eq' | 'gte' };
  hits: SearchHit[];
  /** Stopped by `timeMsMax`: there may be more, also before and between these hits. */
  cut?: true;
  /** The point's name from now on. */
  point?: string;
}

export interface HistogramRequest {
  indices: string[];
  query: Dsl;
  /** Width of a bucket, milliseconds. */
  intervalMs: number;
  /** Bounds, milliseconds since 1970, for empty buckets. */
  fromMs: number;
  toMs: number;
  /** The engine stops about then; what it has counted is the answer, `cut`. */
  timeMsMax?: number;
}

export interface HistogramResponse {
  tookMs: number;
  /** Stopped by `timeMsMax`: all counts are at least so much. */
  cut?: true;
  buckets: { fromMs: number; count: number }[];
}
