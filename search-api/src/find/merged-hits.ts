import { compareHits, type HitOrder, hitOrder } from '@millrace/core/store/hit-order.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';

/** One of several places with hits in the same order. */
export interface Side {
  next(): Promise<SearchHit | undefined>;
  /** Seconds since 1970: no hit that is still to come is newer, or older where the oldest come first. */
  readonly bound: number;
}

interface Open {
  side: Side;
  head: (HitOrder & { hit: SearchHit }) | undefined;
  done: boolean;
}

/** The hits of all sides in order, each event once. A side is asked only when it may have the next hit. */
export async function* mergedHits(
  sides: readonly Side[],
  order: 'asc' | 'desc',
): AsyncGenerator<SearchHit, void> {
  const open: Open[] = sides.map((side) => ({ side, head: undefined, done: false }));
  let last: SearchHit | undefined;
  for (;;) {
    let best: Open | undefined;
    for (const one of open) {
      if (one.head === undefined) continue;
      if (best?.head === undefined || compareHits(one.head, best.head, order) < 0) best = one;
    }
    const asked = nextToAsk(open, best, order);
    if (asked !== undefined) {
      await advance(asked);
      continue;
    }
    if (best?.head === undefined) return;
    const { hit } = best.head;
    best.head = undefined;
    // Copies of an event have the same values to sort by: they come one after another.
    if (hit.id === last?.id) continue;
    last = hit;
    yield hit;
  }
}

/** Of the sides that may have the next hit the one that may have it first: what it answers may spare the others. */
function nextToAsk(open: readonly Open[], best: Open | undefined, order: 'asc' | 'desc'): Open | undefined {
  let asked: Open | undefined;
  for (const one of open) {
    if (one.head !== undefined || one.done || !mayPrecede(one.side, best, order)) continue;
    const [bound, other] = [one.side.bound, asked?.side.bound];
    if (other === undefined || (order === 'desc' ? bound > other : bound < other)) asked = one;
  }
  return asked;
}

function mayPrecede({ bound }: Side, best: Open | undefined, order: 'asc' | 'desc'): boolean {
  if (best?.head === undefined) return true;
  const second = Date.parse(`${best.head.time.slice(0, 19)}Z`) / 1000;
  return order === 'desc' ? bound >= second : bound <= second;
}

async function advance(one: Open): Promise<void> {
  const hit = await one.side.next();
  if (hit === undefined) one.done = true;
  else one.head = { ...hitOrder(hit.sort), hit };
}
