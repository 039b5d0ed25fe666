import { MillraceError } from '@millrace/core/errors.ts';
import type {
  AggregateBucket,
  AggregateResponse,
  AggregateResult,
  Aggregation,
  Aggregations,
} from '@millrace/core/store/aggregation.ts';
import type { CountedField, Place } from './counted-field.ts';

export interface ValueCount {
  value: string | number;
  count: number;
}

export interface ValueCounts {
  /** Events that have the field. */
  count: number;
  /** The most frequent first; of equal ones in the order of value. */
  values: ValueCount[];
  /** Events under values that are not named. */
  other: number;
  distinct: number;
  /** The counts of values and their number are about right: they come from several shards or places. */
  rough: boolean;
}

/** @throws MillraceError QUERY_INVALID */
export function assertValuesMax(size: number, max: number): void {
  if (size > max)
    throw new MillraceError('QUERY_INVALID', `parameter size: more than ${max} values`, {
      hint: 'ask for fewer; limits.facet_values_max in the configuration of search-api sets the bound',
    });
}

/** Counts the values of a field, under names that begin with `name`. */
export function valueParts(name: string, field: CountedField, size: number, prefix = ''): Aggregations {
  const parts = field.places.map((place, i): [string, Aggregation] => [
    `${name}-${i}`,
    {
      type: 'filter',
      query: prefix === '' ? place.within : { bool: { filter: [place.within, beginning(place, prefix)] } },
      parts: {
        values: { type: 'values', ...termsFrom(place, prefix), size, order: 'most' },
        distinct: { type: 'distinct', ...place.terms },
      },
    },
  ]);
  return Object.fromEntries(parts);
}

/** Where values are text in the index, it finds those with the prefix by itself. */
function termsFrom({ kind, terms }: Place, prefix: string): { field: string; prefix?: string } {
  if (prefix === '' || !isText(kind)) return terms;
  return { field: terms.field, prefix: `${terms.prefix ?? ''}${prefix}` };
}

function beginning({ kind, terms }: Place, prefix: string) {
  if (!isText(kind)) return { match_all: {} };
  return { prefix: { [terms.field]: { value: `${terms.prefix ?? ''}${prefix}` } } };
}

function isText(kind: Place['kind']): boolean {
  return kind === 'keyword' || kind === 'level' || kind === 'own';
}

/** What `valueParts` has brought, with its places put together. */
export function valueCounts(
  { parts }: AggregateResponse,
  name: string,
  field: CountedField,
  size: number,
  prefix = '',
): ValueCounts {
  const sums = new Map<string, ValueCount>();
  const all: ValueCounts = { count: 0, values: [], other: 0, distinct: 0, rough: false };
  let places = 0;
  for (const [i, place] of field.places.entries()) {
    const result = parts[`${name}-${i}`] ?? {};
    const values = result.parts?.values;
    for (const bucket of values?.buckets ?? []) add(sums, shownValue(place, bucket, prefix), bucket.count);
    all.count += result.count ?? 0;
    all.other += values?.other ?? 0;
    all.distinct += result.parts?.distinct?.distinct ?? 0;
    all.rough ||= isRough(values, result.parts?.distinct);
    if ((result.count ?? 0) > 0) places++;
  }
  all.rough ||= places > 1;
  const sorted = [...sums.values()]
    .filter(({ value }) => String(value).startsWith(prefix))
    .sort((a, b) => b.count - a.count || (String(a.value) < String(b.value) ? -1 : 1));
  all.values = sorted.slice(0, size);
  all.other += sorted.slice(size).reduce((sum, { count }) => sum + count, 0);
  return all;
}

function add(sums: Map<string, ValueCount>, value: string | number, count: number): void {
  const known = sums.get(String(value));
  if (known === undefined) sums.set(String(value), { value, count });
  else known.count += count;
}

/** The store gives values without what it was asked to look for. */
function shownValue(place: Place, { value }: AggregateBucket, prefix: string): string | number {
  if (place.kind === 'date') return new Date(Number(value)).toISOString();
  return isText(place.kind) ? `${prefix}${value}` : value;
}

function isRough(values: AggregateResult | undefined, distinct: AggregateResult | undefined): boolean {
  return (values?.errorMax ?? 0) > 0 || distinct?.more === true;
}
