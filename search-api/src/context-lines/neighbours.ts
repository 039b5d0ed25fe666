import type { SearchHit } from '@millrace/core/store/port.ts';
import type { ContextLines } from './context-lines.ts';
import { eventOrder } from './place.ts';
import { timeNs } from './reach.ts';
import type { Reading, Within } from './reading.ts';

/** Where neighbours are looked for: an event, or a time in nanoseconds since 1970. */
export type Moment = { event: SearchHit } | { ns: bigint };

const hourNs = 3_600_000_000_000n;
/** At first near by: to find the nearest of the archive, all of a time is looked at. */
const widths = [hourNs, 24n * hourNs, 31n * 24n * hourNs, undefined];

/** What happened around a moment, of all hosts and files, in the order of a search. */
export async function neighboursOf(
  reading: Reading,
  moment: Moment,
  before: number,
  after: number,
): Promise<ContextLines> {
  const [earlier, later] = await Promise.all([
    nearest(reading, moment, 'desc', before + 1),
    nearest(reading, moment, 'asc', after + 1),
  ]);
  const own = 'event' in moment ? [moment.event] : [];
  const shown = earlier.slice(0, before).reverse();
  return {
    hits: [...shown, ...own, ...later.slice(0, after)],
    index: shown.length,
    startReached: earlier.length <= before,
    endReached: later.length <= after,
  };
}

async function nearest(
  reading: Reading,
  moment: Moment,
  order: 'asc' | 'desc',
  limit: number,
): Promise<SearchHit[]> {
  const after = 'event' in moment ? { after: eventOrder(moment.event) } : {};
  let hits: SearchHit[] = [];
  for (const width of widths) {
    hits = await reading.anywhere([], { order, limit, ...after, within: withinOf(moment, order, width) });
    if (hits.length === limit) break;
  }
  return hits;
}

/** A moment that is no event belongs to what comes after it. */
function withinOf(moment: Moment, order: 'asc' | 'desc', width: bigint | undefined): Within {
  const ns = 'event' in moment ? timeNs(moment.event) : moment.ns;
  if (order === 'asc') return { fromNs: ns, ...(width === undefined ? {} : { toNs: ns + width }) };
  const toNs = 'event' in moment ? ns : ns - 1n;
  return { toNs, ...(width === undefined ? {} : { fromNs: toNs - width }) };
}
