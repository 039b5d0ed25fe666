/** What the API answers, as docs/query.md has it. */

export interface Hit {
  id: string;
  '@timestamp': string;
  message: string;
  tag?: string;
  stream?: string;
  host?: string;
  file?: string;
  offset?: number;
  level?: string;
  generation?: string;
  /** Matches in message: UTF-16 offsets, end exclusive. */
  highlight?: [number, number][];
  /** The record's own fields, as parsed. */
  fields?: Record<string, unknown>;
  [name: string]: unknown;
}

export interface Total {
  value: number;
  relation: 'eq' | 'gte';
}

/** Why not everything was looked at. */
export interface Shortfall {
  code: string;
  message: string;
}

export interface Table {
  columns: { name: string; type: 'text' | 'number' | 'time' }[];
  rows: (string | number | null)[][];
}

export interface Page {
  took_ms: number;
  total: Total;
  hits: Hit[];
  next_cursor: string | null;
  partial?: Shortfall[];
  table?: Table;
}

export interface Progress {
  objects: number;
  objects_total: number;
  bytes: number;
  bytes_total: number;
}

/** A line of a streamed answer. */
export interface StreamLine {
  hit?: Hit;
  progress?: Progress;
  table?: Table;
  end?: { hits: number; took_ms: number; partial?: Shortfall[] };
  error?: ErrorBody;
}

export interface ErrorBody {
  code: string;
  message: string;
  hint?: string;
  /** Where in the query: UTF-16 offsets, end exclusive. */
  at?: { start: number; end: number };
}

export interface Histogram {
  took_ms: number;
  interval_ms: number;
  from: string;
  to: string;
  buckets: { from: string; count: number; by?: Record<string, number> }[];
  partial?: Shortfall[];
}

export interface Facet {
  field: string;
  values: { value: string | number; count: number }[];
  other: number;
  missing: number;
  distinct: number;
}

export interface FieldInfo {
  name: string;
  kind: string;
  /** Part of the events that have it, 0 to 1. */
  share: number;
  aggregatable: boolean;
}

export interface FieldStats {
  field: string;
  kind: string;
  count: number;
  missing: number;
  distinct: number;
  min?: number | string | null;
  max?: number | string | null;
  avg?: number | null;
  p50?: number | null;
  p95?: number | null;
  values?: { value: string | number; count: number }[];
  sampled?: number | boolean;
}

export interface Status {
  streams: {
    stream: string;
    newest_event: string | null;
    newest_ingested: string | null;
    lag_ms: number | null;
    horizon: string | null;
  }[];
  archive: { unindexed_objects: number | null; oldest: string | null } | null;
  gaps: { count: number; bytes: number; since: string | null } | null;
  store: 'ok' | 'down';
}

export interface MeAnswer {
  subject: string | null;
  scopes: string[];
  redact?: string[];
  /** Addresses; null: not here. */
  login: string | null;
  logout: string | null;
  csrf: string | null;
}

export interface Pattern {
  template: string;
  query: string;
  first: string;
  last: string;
  levels: Record<string, number>;
  example: Hit | null;
}

export interface FoundPattern extends Pattern {
  count: number;
  share: number;
}

export interface Patterns {
  patterns: FoundPattern[];
  patterns_total: number;
  sampled: number;
  total: number;
  partial: Shortfall[];
}

export interface ChangedPattern extends Pattern {
  before: number;
  after: number;
  /** How many times more often than before; null: it was not there. */
  ratio: number | null;
}

export interface Comparison {
  before: { from: string; to: string; sampled: number };
  after: { from: string; to: string; sampled: number };
  new: ChangedPattern[];
  gone: ChangedPattern[];
  changed: ChangedPattern[];
  totals: {
    before: number;
    after: number;
    levels: Record<string, { before: number; after: number }>;
    patterns: { new: number; gone: number; changed: number };
  };
  partial: Shortfall[];
}

export interface ContextAnswer {
  hits: Hit[];
  /** Of the event itself, in hits. */
  index: number;
  start_reached?: boolean;
  end_reached?: boolean;
  partial?: Shortfall[];
}

export interface SavedContent {
  name: string;
  q: string;
  from: string;
  to: string;
  stream?: string;
  source?: 'auto' | 'hot' | 'archive';
  columns?: string[];
  view?: Record<string, unknown>;
}

export interface Saved extends SavedContent {
  id: string;
  owner: string;
  updated: string;
  version: string;
}

export interface TailSkip {
  count: number;
  reason: 'slow' | 'rate' | 'behind' | 'away';
}

export interface TailState {
  phase: 'joining' | 'live' | 'paused';
  store: 'ok' | 'down';
  lag_ms: number | null;
}

export type AlertCondition =
  | { type: 'threshold'; op: '>' | '>=' | '<' | '<='; count: number }
  | { type: 'absence' };

export type AlertReceiver =
  | { type: 'webhook' | 'slack'; url: string }
  | { type: 'sns'; topic_arn: string; region: string };

export interface AlertContent {
  name: string;
  enabled: boolean;
  search: { q: string; stream?: string } | { saved: string };
  window: string;
  every: string;
  condition: AlertCondition;
  notify: AlertReceiver[];
}

export interface Alert extends AlertContent {
  id: string;
  owner: string;
  access: unknown;
  updated: string;
  version: string;
}

export interface AlertStanding extends Alert {
  state: {
    groups: Record<string, { status: 'pending' | 'firing'; count: number }>;
    history: { to: string; status: string; count: number; message?: string }[];
  } | null;
}
