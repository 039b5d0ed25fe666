/** Events in a stretch of bytes. Between `events` and `eventsMax` where two objects overlap in part. */
export interface CountedStretch {
  from: number;
  to: number;
  events: number;
  eventsMax: number;
  /** When the last object of it was written, milliseconds since 1970. */
  writtenMs: number;
}

/** Kept apart, so that an object which repeats an earlier one in part is seen for what it is. */
const apartMax = 4;
const listMax = 8;
/** For what may be taken out again. */
export const pendingMax = 64;

/**
 * Counts events of one generation and date from objects that may repeat each other: a stretch that lies in another is
 * the same events, as blocks are the same wherever they lie.
 */
export class EventCounts {
  /** Ascending, disjoint. */
  readonly stretches: CountedStretch[] = [];
  readonly #listMax: number;

  /** So many stretches are kept as they came. */
  constructor(max = listMax) {
    this.#listMax = max;
  }

  add(from: number, to: number, events: number, writtenMs: number): void {
    const { stretches } = this;
    let first = stretches.length;
    while (first > 0 && (stretches[first - 1]?.to ?? 0) > from) first--;
    let end = first;
    while (end < stretches.length && (stretches[end]?.from ?? 0) < to) end++;
    const overlapped = stretches.slice(first, end);
    stretches.splice(
      first,
      end - first,
      united({ from, to, events, eventsMax: events, writtenMs }, overlapped),
    );
    if (stretches.length > this.#listMax) this.#compact();
  }

  get events(): number {
    return this.stretches.reduce((sum, item) => sum + item.events, 0);
  }

  get eventsMax(): number {
    return this.stretches.reduce((sum, item) => sum + item.eventsMax, 0);
  }

  /** Puts neighbours together, but for the last ones. */
  #compact(): void {
    const { stretches } = this;
    const old = stretches.splice(0, stretches.length - apartMax);
    const merged: CountedStretch[] = [];
    for (const item of old) {
      const last = merged.at(-1);
      if (last !== undefined && last.to === item.from) {
        last.to = item.to;
        last.events += item.events;
        last.eventsMax += item.eventsMax;
        last.writtenMs = Math.max(last.writtenMs, item.writtenMs);
      } else merged.push(item);
    }
    stretches.unshift(...merged);
  }
}

function united(item: CountedStretch, others: CountedStretch[]): CountedStretch {
  const [only] = others;
  if (only === undefined) return item;
  if (others.length === 1 && only.from <= item.from && only.to >= item.to) return only;
  const from = Math.min(item.from, only.from);
  const to = Math.max(item.to, others.at(-1)?.to ?? 0);
  const writtenMs = Math.max(item.writtenMs, ...others.map((other) => other.writtenMs));
  if (item.from === from && item.to === to) return { ...item, writtenMs };
  const events = others.reduce((sum, other) => sum + other.events, 0);
  const eventsMax = others.reduce((sum, other) => sum + other.eventsMax, 0);
  return {
    from,
    to,
    events: Math.max(events, item.events),
    eventsMax: eventsMax + item.eventsMax,
    writtenMs,
  };
}
