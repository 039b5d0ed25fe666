import type {
  AggregateBucket,
  AggregateResponse,
  AggregateResult,
  Aggregation,
  Aggregations,
} from '../aggregation.ts';
import { distinctMax } from './aggregate.ts';
import { isRecord } from './errors.ts';
import { startsOf } from './histogram.ts';
import { cutOrWhole } from './whole.ts';

type Answer = Record<string, unknown>;

/** @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED when a shard is missing */
export function aggregateResponse(body: unknown, parts: Aggregations): AggregateResponse {
  const answer = record(body);
  const total = record(record(answer.hits).total);
  return {
    tookMs: number(answer.took),
    total: number(total.value),
    ...cutOrWhole('aggregation', answer),
    parts: resultsOf(record(answer.aggregations), parts),
  };
}

function resultsOf(answers: Answer, parts: Aggregations): Record<string, AggregateResult> {
  const results = Object.entries(parts).map(([name, part], i) => [
    name,
    resultOf(record(answers[`p${i}`]), part),
  ]);
  return Object.fromEntries(results) as Record<string, AggregateResult>;
}

function resultOf(answer: Answer, part: Aggregation): AggregateResult {
  switch (part.type) {
    case 'values': {
      const errorMax = number(answer.doc_count_error_upper_bound);
      return {
        buckets: bucketsOf(answer, part.parts, (key) => valueWithout(key, part.prefix)),
        other: number(answer.sum_other_doc_count),
        ...(part.order === 'most' && errorMax >= 0 ? { errorMax } : {}),
      };
    }
    case 'times': {
      // Within a filter of its own, unless it was asked alone.
      const times = isRecord(answer.times) ? answer.times : answer;
      return {
        buckets: bucketsOf(Array.isArray(times.buckets) ? times : noEvents(part), part.parts, Number),
      };
    }
    case 'distinct':
      return part.prefix === undefined ? { distinct: number(answer.value) } : distinctTerms(answer);
    case 'numbers':
      return { numbers: figuresOf(answer) };
    case 'filter':
      return {
        count: number(answer.doc_count),
        ...(part.parts === undefined ? {} : { parts: resultsOf(answer, part.parts) }),
      };
  }
}

/** What an engine answers where it has an index, though no event. */
function noEvents(part: Extract<Aggregation, { type: 'times' }>): Answer {
  return { buckets: startsOf(part).map((key) => ({ key, doc_count: 0 })) };
}

/** What no shard has an answer of has no buckets: in indices that do not exist, nothing is counted. */
function bucketsOf(
  answer: Answer,
  parts: Aggregations | undefined,
  value: (key: unknown) => string | number,
): AggregateBucket[] {
  const buckets: unknown[] = Array.isArray(answer.buckets) ? answer.buckets : [];
  return buckets.filter(isRecord).map((bucket) => ({
    value: value(bucket.key),
    count: number(bucket.doc_count),
    ...(parts === undefined ? {} : { parts: resultsOf(bucket, parts) }),
  }));
}

function valueWithout(key: unknown, prefix = ''): string | number {
  return typeof key === 'number' ? key : String(key).slice(prefix.length);
}

function distinctTerms(answer: Answer): AggregateResult {
  const distinct = Array.isArray(answer.buckets) ? answer.buckets.length : 0;
  return distinct === distinctMax && number(answer.sum_other_doc_count) > 0
    ? { distinct, more: true }
    : { distinct };
}

function figuresOf(answer: Answer): NonNullable<AggregateResult['numbers']> {
  const count = number(answer.count);
  const figures = { count, sum: number(answer.sum) };
  if (count === 0) return figures;
  return { ...figures, min: number(answer.min), max: number(answer.max), avg: number(answer.avg) };
}

function record(value: unknown): Answer {
  return isRecord(value) ? value : {};
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
