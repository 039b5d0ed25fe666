import { parseTime } from '@millrace/core/query/time.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Plan } from '../plan.ts';

/** Milliseconds since 1970. */
export interface TimeSpan {
  fromMs: number;
  toMs: number;
}

/**
 * The time that a plan is about. An open end is now, unless what is asked for begins later; without a beginning it
 * begins with the oldest event, and with no event at all 15 minutes before its end.
 */
export async function spanOf(
  store: Store,
  planned: Plan,
  nowMs: number,
  signal: AbortSignal,
): Promise<TimeSpan> {
  const endMs = planned.toNs === undefined ? nowMs : Number(planned.toNs / 1_000_000n);
  const fromMs = await firstMs(store, planned, endMs, signal);
  return { fromMs, toMs: Math.max(fromMs, endMs) };
}

async function firstMs(store: Store, planned: Plan, toMs: number, signal: AbortSignal): Promise<number> {
  if (planned.fromNs !== undefined) return Number(planned.fromNs / 1_000_000n);
  const { hits } = await store.search(
    {
      indices: planned.indices,
      query: planned.query,
      size: 1,
      order: 'asc',
      trackTotal: 0,
      highlight: false,
      fields: ['@timestamp'],
    },
    signal,
  );
  const oldest = hits[0]?.source['@timestamp'];
  if (typeof oldest !== 'string') return toMs - 900_000;
  return Math.min(toMs, Number(parseTime(oldest, toMs).firstNs / 1_000_000n));
}
