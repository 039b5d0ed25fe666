import type { Dsl } from './port.ts';

/** Buckets of all parts together, as if each had all it asked for: engines refuse 65,536. */
export const aggregationBucketsMax = 50_000;

/** Counts asked for under names of the caller's. */
export interface AggregateRequest {
  /** Index patterns, e.g. `millrace-app-*`. */
  indices: string[];
  query: Dsl;
  /** The engine stops about then; what it has counted is the answer, `cut`. */
  timeMsMax?: number;
  parts: Aggregations;
}

/** By name; names are letters, digits, `_` and `-`. */
export type Aggregations = Record<string, Aggregation>;

/** What is counted; `parts` are counted again within each bucket. */
export type Aggregation =
  /**
   * The values of a field. On `kv` and `kn`, `prefix` is a name's `kvTerm(name, '')`: only its terms count, and values
   * come back without it. rarest is rough where shards are many: a value may be more common elsewhere.
   */
  | {
      type: 'values';
      field: string;
      prefix?: string;
      size: number;
      order: 'most' | 'rarest' | 'value';
      parts?: Aggregations;
    }
  /** Stretches of @timestamp, empty ones included. */
  | { type: 'times'; intervalMs: number; fromMs: number; toMs: number; parts?: Aggregations }
  /** How many values a field has: about, and with `prefix` up to 1,000 exactly. */
  | { type: 'distinct'; field: string; prefix?: string }
  /** Figures of a mapped number or date; dates as milliseconds since 1970. */
  | { type: 'numbers'; field: string }
  | { type: 'filter'; query: Dsl; parts?: Aggregations };

export interface AggregateResponse {
  tookMs: number;
  /** Events that the query matches. */
  total: number;
  /** Stopped by `timeMsMax`: all counts are at least so much. */
  cut?: true;
  parts: Record<string, AggregateResult>;
}

export interface AggregateResult {
  /** filter: events that match. */
  count?: number;
  /** values, times. */
  buckets?: AggregateBucket[];
  /** values: events under other values; 0 when all are named. */
  other?: number;
  /** values by most: how many events a count may lack, when values lie on several shards. */
  errorMax?: number;
  /** distinct: how many values. */
  distinct?: number;
  /** distinct: there are more than that. */
  more?: true;
  /** numbers; min, max and avg are absent when no event has the field. */
  numbers?: { count: number; sum: number; min?: number; max?: number; avg?: number };
  /** filter. */
  parts?: Record<string, AggregateResult>;
}

export interface AggregateBucket {
  /** A value as text or number; of `times`, milliseconds since 1970. */
  value: string | number;
  count: number;
  parts?: Record<string, AggregateResult>;
}
