import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Dsl, SearchHit, Store } from '@millrace/core/store/port.ts';
import type { Shortfall } from '../find/finder.ts';
import type { Plan } from '../plan.ts';
import { inOrder } from './in-order.ts';
import { spanOf, type TimeSpan } from './span.ts';

export interface SampleOptions {
  store: Store;
  clock: Clock;
  /** Events looked at. */
  max: number;
  /** Dotted members of the documents to return; absent: all. */
  fields?: string[];
  /** Then no more is read. */
  msMax: number;
  /** About so long is read: of a slow store, fewer events; absent: as long as it takes. */
  msWanted?: number;
}

/** Documents of one stretch of time, newest first. */
export interface SamplePage {
  hits: SearchHit[];
  /** Events that each of them stands for. */
  weight: number;
}

export interface SampleEnd {
  /** Events that there are. */
  total: number;
  looked: number;
  partial: Shortfall[];
}

/** Of more events than may be looked at, the newest of at least so many stretches of time are. */
const stretchesMin = 24;
/** Documents of one question. */
const pageMax = 5_000;
/** Events looked at however long it takes; by them is seen how fast reading is. */
const firstMax = 2_500;
/** Questions asked at a time. */
const askedMax = 4;

/**
 * The events of a plan, newest first, or of each stretch of its time some: what is rare is seen wherever it was, and
 * quiet times are seen whole.
 */
export async function* sample(
  planned: Plan,
  nowMs: number,
  options: SampleOptions,
  signal: AbortSignal,
): AsyncGenerator<SamplePage, SampleEnd> {
  const { store, clock, max, msMax, msWanted = Number.POSITIVE_INFINITY } = options;
  const startMs = clock.monotonic();
  const span = await spanOf(store, planned, nowMs, signal);
  const { stretches, cut } = await stretchesOf(planned, span, options, signal);
  const counts = stretches.map(({ count }) => count);
  const end: SampleEnd = { total: counts.reduce((sum, count) => sum + count, 0), looked: 0, partial: [] };
  let isCut = cut;
  const readAll = (quotas: number[], before: readonly Read[]) =>
    inOrder(
      stretches.map((stretch, i) => (ended: AbortSignal) => {
        const request = { ...options, planned, stretch, endsMs: startMs + msMax };
        return readStretch(request, quotas[i] ?? 0, before[i], AbortSignal.any([signal, ended]));
      }),
      askedMax,
    );
  const noted = (read: Read) => {
    end.looked += read.hits.length;
    isCut ||= read.cut;
    return read;
  };

  const firsts: Read[] = [];
  const readMs = clock.monotonic();
  for await (const read of readAll(quotasOf(counts, Math.min(max, firstMax)), [])) firsts.push(noted(read));
  const readAtMs = clock.monotonic();
  const speed = end.looked / Math.max(1, readAtMs - readMs);
  const more = speed === 0 ? 0 : Math.max(0, speed * (msWanted - (readAtMs - startMs)));
  const quotas = quotasOf(counts, Math.min(max, Math.max(firstMax, Math.floor(end.looked + more))));
  const page = ({ hits }: Read, i: number) => ({ hits, weight: (counts[i] ?? 0) / (quotas[i] ?? 1) });
  for (const [i, first] of firsts.entries()) yield page(first, i);
  let i = 0;
  for await (const read of readAll(quotas, firsts)) yield page(noted(read), i++);
  if (isCut)
    end.partial.push({
      code: 'time',
      message: `stopped after limits.query_ms_max: ${end.looked} of ${end.total} events were looked at`,
    });
  return end;
}

interface Stretch {
  count: number;
  query: Dsl;
}

/** Newest first, without empty ones. */
async function stretchesOf(
  { indices, query }: Plan,
  { fromMs, toMs }: TimeSpan,
  { store, max, msMax }: SampleOptions,
  signal: AbortSignal,
): Promise<{ stretches: Stretch[]; cut: boolean }> {
  // An event of the very last millisecond is one of them.
  const endMs = toMs + 1;
  const intervalMs = Math.ceil((endMs - fromMs) / Math.max(stretchesMin, Math.ceil(max / pageMax)));
  const parts = { times: { type: 'times', intervalMs, fromMs, toMs: endMs } } as const;
  const answer = await store.aggregate({ indices, query, parts, timeMsMax: msMax }, signal);
  const buckets = (answer.parts.times?.buckets ?? []).filter(({ count }) => count > 0);
  const cut = answer.cut === true;
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const first = Number(buckets[0]?.value ?? 0);
  const last = Number(buckets.at(-1)?.value ?? 0);
  // All of them in one question.
  if (total <= Math.min(max, firstMax))
    return {
      cut,
      stretches: total === 0 ? [] : [{ count: total, query: within(first, last - first + intervalMs) }],
    };
  const stretches = buckets.map(({ value, count }) => ({ count, query: within(Number(value), intervalMs) }));
  return { stretches: stretches.reverse(), cut };
}

function within(fromMs: number, lengthMs: number): Dsl {
  return { range: { '@timestamp': { gte: fromMs, lt: fromMs + lengthMs, format: 'epoch_millis' } } };
}

/** Shares `max` out: what a stretch does not need goes to those that have more. */
function quotasOf(counts: readonly number[], max: number): number[] {
  const quotas = counts.map(() => 0);
  let left = max;
  const order = counts.map((count, i) => ({ count, i })).sort((a, b) => a.count - b.count);
  for (const [done, { count, i }] of order.entries()) {
    const quota = Math.min(count, Math.floor(left / (order.length - done)));
    quotas[i] = quota;
    left -= quota;
  }
  return quotas;
}

interface ReadRequest extends SampleOptions {
  planned: Plan;
  stretch: Stretch;
  /** By the monotonic clock. */
  endsMs: number;
}

interface Read {
  hits: SearchHit[];
  /** Hits read of the stretch until now. */
  looked: number;
  cut: boolean;
  after: SearchHit['sort'] | undefined;
}

/** Events of a stretch behind those that were read before, until there are `quota` of it. */
async function readStretch(
  { store, clock, planned, stretch, fields, endsMs }: ReadRequest,
  quota: number,
  before: Read | undefined,
  signal: AbortSignal,
): Promise<Read> {
  const read: Read = { hits: [], looked: before?.looked ?? 0, cut: false, after: before?.after };
  while (read.looked < quota) {
    const leftMs = endsMs - clock.monotonic();
    if (leftMs < 1) return { ...read, cut: true };
    const size = Math.min(quota - read.looked, pageMax);
    const { hits, cut } = await store.search(
      {
        indices: planned.indices,
        query: { bool: { filter: [planned.query, stretch.query] } },
        size,
        order: 'desc',
        trackTotal: 0,
        highlight: false,
        timeMsMax: Math.ceil(leftMs),
        ...(fields === undefined ? {} : { fields }),
        ...(read.after === undefined ? {} : { after: read.after }),
      },
      signal,
    );
    for (const hit of hits) read.hits.push(hit);
    read.looked += hits.length;
    read.cut ||= cut === true;
    read.after = hits.at(-1)?.sort ?? read.after;
    if (hits.length < size) break;
  }
  return read;
}
