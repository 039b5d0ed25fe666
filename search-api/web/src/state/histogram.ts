import { batch, computed, signal } from '@preact/signals';
import { ApiError, getJson } from '../api/client.ts';
import type { Histogram } from '../api/types.ts';
import { withoutStages } from '../query/edit.ts';
import { maySee } from './me.ts';
import { pageTotal } from './search.ts';
import { view } from './view.ts';

export const histogram = signal<Histogram | undefined>(undefined);
export const histogramFailed = signal(false);
/** Counts on the screen answer an earlier question. */
export const histogramStale = signal(false);

/** All events that match, as far as they were counted. */
export const total = computed(() => {
  const shown = histogram.value;
  if (shown === undefined) return pageTotal.value;
  return { value: shown.buckets.reduce((sum, { count }) => sum + count, 0), relation: 'eq' as const };
});

let running = new AbortController();

export async function runHistogram(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal: ended } = running;
  const { q, from, to, stream, source } = view.value;
  if (source === 'archive') {
    // Counts are of the store: they would say nothing about these rows.
    tell(undefined);
    return;
  }
  histogramStale.value = true;
  const what = {
    q: withoutStages(q),
    from,
    to,
    buckets: innerWidth < 700 ? '40' : '90',
    ...(stream === '' ? {} : { stream }),
  };
  try {
    const counted = await countedBy(what, ended);
    if (!ended.aborted) tell(counted);
  } catch (error) {
    if (ended.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    tell(undefined);
  }
}

function tell(counted: Histogram | undefined): void {
  batch(() => {
    histogram.value = counted;
    histogramFailed.value = counted === undefined;
    histogramStale.value = false;
  });
}

/** Set when levels turned out to be hidden from who asks. */
let hidesLevels = false;

/** By level, where that may be known: it may be hidden under another of its names, or by a `*` with others. */
async function countedBy(what: Record<string, string>, ended: AbortSignal): Promise<Histogram> {
  const path = 'api/v1/histogram';
  if (hidesLevels || !maySee('log.level')) return getJson<Histogram>(path, what, ended);
  try {
    return await getJson<Histogram>(path, { ...what, by: 'log.level' }, ended);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    const found = await getJson<Histogram>(path, what, ended);
    hidesLevels = true;
    return found;
  }
}
