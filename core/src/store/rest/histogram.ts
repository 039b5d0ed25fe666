import { StoreRejection } from '../failure.ts';
import type { Dsl, HistogramRequest, HistogramResponse } from '../port.ts';
import { isRecord } from './errors.ts';
import { orderFields } from './template.ts';
import { cutOrWhole, timeBound } from './whole.ts';

/** Buckets of one histogram. */
const bucketsMax = 10_000;

/** @throws MillraceError STORE_REJECTED for more buckets than anyone draws */
export function histogramBody(request: HistogramRequest): Dsl {
  const { intervalMs } = request;
  const { min, max } = boundsOf(request);
  const buckets = (max - min) / intervalMs;
  if (!(buckets <= bucketsMax)) {
    throw new StoreRejection(400, `histogram of ${buckets} buckets, ${bucketsMax} at most`, {
      hint: 'choose a wider interval or a shorter time range',
    });
  }
  // A filter, not `hard_bounds`: OpenSearch 3.6 counts nothing within hard bounds of a date_nanos.
  const within = { range: { [orderFields.time]: { gte: min, lt: max, format: 'epoch_millis' } } };
  return {
    query: { bool: { filter: [request.query, within] } },
    size: 0,
    track_total_hits: false,
    aggs: {
      over_time: {
        date_histogram: {
          field: orderFields.time,
          fixed_interval: `${intervalMs}ms`,
          min_doc_count: 0,
          extended_bounds: { min, max: max - 1 },
        },
      },
    },
    ...timeBound(request.timeMsMax),
  };
}

/** Whole buckets; of a first or last one that is cut, the query says what is counted. */
export function boundsOf({ intervalMs, fromMs, toMs }: Omit<HistogramRequest, 'indices' | 'query'>) {
  const min = Math.floor(fromMs / intervalMs) * intervalMs;
  return { min, max: Math.max(min + intervalMs, Math.ceil(toMs / intervalMs) * intervalMs) };
}

/** @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED when a shard is missing */
export function histogramResponse(body: unknown, request: HistogramRequest): HistogramResponse {
  const answer = isRecord(body) ? body : {};
  const aggregations = isRecord(answer.aggregations) ? answer.aggregations : {};
  const overTime = isRecord(aggregations.over_time) ? aggregations.over_time : {};
  const buckets = Array.isArray(overTime.buckets) ? overTime.buckets.filter(isRecord) : undefined;
  return {
    tookMs: Number(answer.took ?? 0),
    ...cutOrWhole('histogram', answer),
    buckets:
      buckets?.map((bucket) => ({ fromMs: Number(bucket.key), count: Number(bucket.doc_count) })) ??
      startsOf(request).map((fromMs) => ({ fromMs, count: 0 })),
  };
}

/** Where buckets begin; engines make none where no index is there to be asked. */
export function startsOf(times: Omit<HistogramRequest, 'indices' | 'query'>): number[] {
  const { min, max } = boundsOf(times);
  return Array.from({ length: (max - min) / times.intervalMs }, (_, i) => min + i * times.intervalMs);
}
