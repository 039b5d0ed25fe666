import { escapeRegex } from '../../query/regex.ts';
import {
  type AggregateRequest,
  type Aggregation,
  type Aggregations,
  aggregationBucketsMax,
} from '../aggregation.ts';
import { StoreRejection } from '../failure.ts';
import type { Dsl } from '../port.ts';
import { boundsOf } from './histogram.ts';
import { orderFields } from './template.ts';
import { timeBound } from './whole.ts';

/** Values of a field with a prefix that `distinct` counts. */
export const distinctMax = 1_000;

/** Three fields, each of which may be in a second place within a filter, over time. */
const depthMax = 7;
/** Engines refuse longer regexes. */
const regexMax = 1_000;

/**
 * Parts go over the wire as p0, p1, …: engines do not take every name.
 * @throws MillraceError STORE_REJECTED for more than an engine should count at a time
 */
export function aggregateBody({ query, parts, timeMsMax }: AggregateRequest): Dsl {
  const buckets = bucketsOf(parts, 1);
  if (!(buckets <= aggregationBucketsMax)) {
    throw new StoreRejection(400, `aggregation of ${buckets} buckets, ${aggregationBucketsMax} at most`, {
      hint: 'choose wider stretches of time, fewer values or fewer fields',
    });
  }
  const [only, more] = Object.values(parts);
  const alone = only?.type === 'times' && more === undefined ? only : undefined;
  return {
    // A range that the query itself has lets the engines count stretches of time without looking at events.
    query: alone === undefined ? query : { bool: { filter: [query, within(alone)] } },
    size: 0,
    track_total_hits: true,
    aggs: alone === undefined ? aggs(parts) : { p0: stretches(alone) },
    ...timeBound(timeMsMax),
  };
}

function aggs(parts: Aggregations): Dsl {
  return Object.fromEntries(Object.values(parts).map((part, i) => [`p${i}`, aggregation(part)]));
}

function nested(parts: Aggregations | undefined): Dsl {
  return parts === undefined ? {} : { aggs: aggs(parts) };
}

function aggregation(part: Aggregation): Dsl {
  switch (part.type) {
    case 'values': {
      const order =
        part.order === 'value' ? { _key: 'asc' } : { _count: part.order === 'most' ? 'desc' : 'asc' };
      const terms = { field: part.field, size: part.size, order, ...included(part.prefix) };
      // A value that is rare in one index may be common in the next: each is asked for more than is shown.
      const shardSize = Math.min(10_000, part.order === 'rarest' ? part.size + 1_000 : part.size * 2 + 50);
      return { terms: { ...terms, shard_size: shardSize }, ...nested(part.parts) };
    }
    case 'times':
      return { filter: within(part), aggs: { times: stretches(part) } };
    case 'distinct':
      // Cardinality takes no prefix, and scripts are not there on every cluster.
      return part.prefix === undefined
        ? { cardinality: { field: part.field } }
        : { terms: { field: part.field, size: distinctMax, ...included(part.prefix) } };
    case 'numbers':
      return { stats: { field: part.field } };
    case 'filter':
      return { filter: part.query, ...nested(part.parts) };
  }
}

type Times = Extract<Aggregation, { type: 'times' }>;

/** A filter, not `hard_bounds`: OpenSearch 3.6 counts nothing within hard bounds of a date_nanos. */
function within(part: Times): Dsl {
  const { min, max } = boundsOf(part);
  return { range: { [orderFields.time]: { gte: min, lt: max, format: 'epoch_millis' } } };
}

function stretches(part: Times): Dsl {
  const { min, max } = boundsOf(part);
  return {
    date_histogram: {
      field: orderFields.time,
      fixed_interval: `${part.intervalMs}ms`,
      min_doc_count: 0,
      extended_bounds: { min, max: max - 1 },
    },
    ...nested(part.parts),
  };
}

function included(prefix: string | undefined): Dsl {
  if (prefix === undefined) return {};
  const include = `${escapeRegex(prefix)}.*`;
  if (include.length > regexMax)
    throw new StoreRejection(400, 'the name of a field is too long for its values to be counted', {
      hint: 'names of more than 256 characters are in no index; a prefix of values may be shorter',
    });
  return { include };
}

function bucketsOf(parts: Aggregations, depth: number): number {
  if (depth > depthMax) throw new StoreRejection(400, `parts within parts, ${depthMax} deep at most`);
  let sum = 0;
  for (const part of Object.values(parts)) {
    const below = 'parts' in part && part.parts !== undefined ? bucketsOf(part.parts, depth + 1) : 0;
    sum += ownBuckets(part) * (1 + below);
  }
  return sum;
}

function ownBuckets(part: Aggregation): number {
  if (part.type === 'values') return part.size;
  if (part.type === 'distinct') return part.prefix === undefined ? 1 : distinctMax;
  if (part.type !== 'times') return 1;
  const { min, max } = boundsOf(part);
  return (max - min) / part.intervalMs;
}
