import type { AggregateBucket, Aggregation, Aggregations } from '@millrace/core/store/aggregation.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Plan } from '../plan.ts';
import type { CountedField } from './counted-field.ts';
import type { TimeSpan } from './span.ts';
import { type ValueCount, valueCounts, valueParts } from './value-counts.ts';

export interface Drawn {
  tookMs: number;
  cut: boolean;
  buckets: DrawnBucket[];
}

interface DrawnBucket {
  fromMs: number;
  count: number;
  by?: Record<string, number>;
  /** Events of other values, and of none. */
  other?: number;
}

/** Values that are told apart. */
const valuesMax = 10;

/** Counts by stretch of time, each parted by the most frequent values of a field where there is one. */
export async function drawHistogram(
  store: Store,
  { indices, query }: Plan,
  times: TimeSpan & { intervalMs: number },
  field: CountedField | undefined,
  timeMsMax: number,
  signal: AbortSignal,
): Promise<Drawn> {
  if (field === undefined) {
    const { tookMs, buckets, cut } = await store.histogram({ indices, query, ...times, timeMsMax }, signal);
    return { tookMs, buckets, cut: cut === true };
  }
  const ask = (parts: Aggregations) => store.aggregate({ indices, query, parts, timeMsMax }, signal);
  const over = (parts: Aggregations): Aggregations => ({ times: { type: 'times', ...times, parts } });
  if (isLevel(field)) {
    const { tookMs, cut, parts } = await ask(over({ levels: levelValues }));
    const buckets = (parts.times?.buckets ?? []).map((bucket) => parted(bucket, levelsIn(bucket)));
    return { tookMs, cut: cut === true, buckets };
  }
  // The same values in each bucket, or colours would come and go: first which, then when.
  const most = await ask(valueParts('f', field, valuesMax));
  const { values } = valueCounts(most, 'f', field, valuesMax);
  const drawn = await ask(over(partsOf(field, values)));
  return {
    tookMs: most.tookMs + drawn.tookMs,
    cut: most.cut === true || drawn.cut === true,
    buckets: (drawn.parts.times?.buckets ?? []).map((bucket) => parted(bucket, valuesIn(bucket, values))),
  };
}

/** All levels that there are. */
const levelValues: Aggregation = { type: 'values', field: 'log.level', size: 10, order: 'value' };

/** The mapped level alone: its values are known, so that one question is enough. */
function isLevel({ places }: CountedField): boolean {
  return places.length === 1 && places[0]?.kind === 'level';
}

function levelsIn({ parts }: AggregateBucket): [name: string, count: number][] {
  return (parts?.levels?.buckets ?? []).map(({ value, count }) => [String(value), count]);
}

function valuesIn(
  { parts }: AggregateBucket,
  values: readonly ValueCount[],
): [name: string, count: number][] {
  return values.map(({ value }, i) => [String(value), parts?.[`v${i}`]?.count ?? 0]);
}

function partsOf({ places }: CountedField, values: readonly ValueCount[]): Aggregations {
  return Object.fromEntries(
    values.map(({ value }, i) => [
      `v${i}`,
      {
        type: 'filter',
        query: { bool: { should: places.map(({ having }) => having(value)), minimum_should_match: 1 } },
      },
    ]),
  );
}

function parted({ value, count }: AggregateBucket, values: [name: string, count: number][]): DrawnBucket {
  const named = values.reduce((sum, [, part]) => sum + part, 0);
  return {
    fromMs: Number(value),
    count,
    by: Object.fromEntries(values.filter(([, part]) => part > 0)),
    // Of a field with several values in one event, each value counts.
    other: Math.max(0, count - named),
  };
}
