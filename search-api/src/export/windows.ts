import { formatNs } from '@millrace/core/query/time.ts';
import type { Dsl, Store } from '@millrace/core/store/port.ts';
import type { Plan } from '../plan.ts';

/** A stretch of time with about a page of events, or more where they are dense. */
export interface Window {
  query: Dsl;
}

/** Windows of a first look, and how often a dense one is looked at again, at a finer grain. */
const bucketsWanted = 500;
const msNs = 1_000_000n;

/**
 * Stretches of time without gaps between them, in the order of the export, about `pageMax` events each. What is not
 * dated within the plan's bounds belongs to the outermost ones.
 */
export async function windowsOf(
  store: Store,
  plan: Plan,
  order: 'asc' | 'desc',
  { nowMs, pageMax, signal }: { nowMs: number; pageMax: number; signal: AbortSignal },
): Promise<Window[]> {
  const bounds = await boundsMs(store, plan, nowMs, signal);
  if (bounds === undefined) return [{ query: plan.query }];
  const [fromMs, toMs] = bounds;
  const intervalMs = Math.max(1, Math.ceil((toMs - fromMs) / bucketsWanted));
  const { indices, query } = plan;
  const { buckets } = await store.histogram({ indices, query, intervalMs, fromMs, toMs }, signal);
  const cuts = cutsOf(buckets, pageMax);
  const edges = [undefined, ...cuts, undefined];
  const windows = edges.slice(1).map((toMs, i) => within(query, edges[i], toMs));
  return order === 'asc' ? windows : windows.reverse();
}

/** Where a window ends and the next begins, milliseconds since 1970. */
function cutsOf(buckets: { fromMs: number; count: number }[], pageMax: number): number[] {
  const cuts: number[] = [];
  let count = 0;
  for (const bucket of buckets) {
    if (count > 0 && count + bucket.count > pageMax) {
      cuts.push(bucket.fromMs);
      count = 0;
    }
    count += bucket.count;
  }
  return cuts;
}

function within(query: Dsl, fromMs: number | undefined, toMs: number | undefined): Window {
  if (fromMs === undefined && toMs === undefined) return { query };
  const range = {
    ...(fromMs === undefined ? {} : { gte: isoOf(fromMs) }),
    ...(toMs === undefined ? {} : { lt: isoOf(toMs) }),
  };
  return { query: { bool: { filter: [{ range: { '@timestamp': range } }, query] } } };
}

const isoOf = (ms: number) => formatNs(BigInt(ms) * msNs);

/** Open bounds are the oldest and newest event; undefined: there is none. */
async function boundsMs(
  store: Store,
  { indices, query, fromNs, toNs }: Plan,
  nowMs: number,
  signal: AbortSignal,
): Promise<[number, number] | undefined> {
  const edge = async (order: 'asc' | 'desc') => {
    const { hits } = await store.search(
      { indices, query, size: 1, order, fields: ['@timestamp'], trackTotal: 0, highlight: false },
      signal,
    );
    return hits[0] === undefined ? undefined : Date.parse(String(hits[0].source['@timestamp']));
  };
  const fromMs = fromNs === undefined ? await edge('asc') : Number(fromNs / msNs);
  const toMs = toNs === undefined ? await edge('desc') : Number(toNs / msNs);
  if (fromMs === undefined || toMs === undefined || !(toMs > fromMs)) return undefined;
  return [fromMs, Math.max(toMs, Math.min(nowMs, fromMs)) + 1];
}
