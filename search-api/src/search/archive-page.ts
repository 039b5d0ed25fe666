import { isMillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { SearchHit, Store } from '@millrace/core/store/port.ts';
import type { FindEnd, Finder, FindSource } from '../find/finder.ts';
import { opposite, type Page, type PageRequest, pageEnds } from './page.ts';

/**
 * One page of what lies in the archive too. There is no point in time there: objects do not change, and what arrives
 * meanwhile is newer, or comes between pages.
 */
export async function archivePage(
  { store, finder, source, clock }: { store: Store; finder: Finder; source: FindSource; clock: Clock },
  request: PageRequest,
  signal: AbortSignal,
): Promise<Page> {
  const { plan, cursor, size, order, highlight, timeMsMax } = request;
  const startMs = clock.monotonic();
  const backward = cursor?.side === 'previous';
  const [{ hits, end }, counted] = await Promise.all([
    found(
      finder(
        {
          plan,
          source,
          order: backward ? opposite(order) : order,
          // One more than asked for says whether there is a page beyond.
          limit: size === 0 ? 0 : size + 1,
          ...(cursor === undefined ? {} : { after: cursor.values }),
          highlight,
          timeMsMax,
        },
        signal,
      ),
    ),
    source === 'archive' || cursor?.total !== undefined ? undefined : countInStore(store, request, signal),
  ]);
  const more = hits.length > size;
  const page = hits.slice(0, size);
  if (backward) page.reverse();
  const all = size > 0 && cursor === undefined && !more && end.partial.length === 0;
  const total = cursor?.total ?? {
    // The store counts an event that it has twice, as after a replay, twice.
    value: all ? page.length : Math.max(counted ?? 0, page.length),
    relation: all ? ('eq' as const) : ('gte' as const),
  };
  return {
    tookMs: Math.round(clock.monotonic() - startMs),
    total,
    hits: page,
    ...(size === 0 ? {} : pageEnds(page, cursor, more, order)),
    partial: end.partial,
  };
}

async function found(
  finding: AsyncGenerator<SearchHit, FindEnd>,
): Promise<{ hits: SearchHit[]; end: FindEnd }> {
  const hits: SearchHit[] = [];
  for (;;) {
    const next = await finding.next();
    if (next.done === true) return { hits, end: next.value };
    hits.push(next.value);
  }
}

/** At least so many there are; undefined: the store does not say. */
async function countInStore(
  store: Store,
  { plan, totalMax, timeMsMax }: PageRequest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { indices, query } = plan;
  try {
    const count = { indices, query, size: 0, order: 'desc' as const, trackTotal: totalMax, highlight: false };
    return (await store.search({ ...count, timeMsMax }, signal)).total.value;
  } catch (error) {
    if (isMillraceError(error, 'STORE_UNAVAILABLE')) return undefined;
    throw error;
  }
}
