/** Bytes `from` to `to` (excluded). */
export interface Interval {
  from: number;
  to: number;
}

/** A covered interval, and times of its ends in milliseconds since 1970. */
export interface CoveredInterval extends Interval {
  /** The first byte was there at the latest then. */
  leftMs: number;
  /** The last byte was there at the earliest then. */
  rightMs: number;
}

/** A set of bytes of one generation, as disjoint ascending intervals that do not touch. */
export class Coverage {
  readonly intervals: CoveredInterval[] = [];
  bytes = 0;

  /** Adds an interval whose bytes came between `firstMs` and `lastMs`; returns what of it is new. */
  add(from: number, to: number, firstMs: number, lastMs: number): Interval[] {
    if (to <= from) return [];
    const { intervals } = this;
    const last = intervals.at(-1);
    // Mostly a file goes on where it ended.
    if (last !== undefined && last.to === from) {
      last.to = to;
      last.rightMs = firstMs;
      this.bytes += to - from;
      return [{ from, to }];
    }
    const first = this.#firstThatReaches(from);
    let end = first;
    const fresh: Interval[] = [];
    const merged: CoveredInterval = { from, to, leftMs: lastMs, rightMs: firstMs };
    let at = from;
    for (let item = intervals[end]; item !== undefined && item.from <= to; item = intervals[++end]) {
      if (item.from > at) fresh.push({ from: at, to: item.from });
      at = Math.max(at, item.to);
      if (item.from <= merged.from) {
        merged.from = item.from;
        merged.leftMs = item.leftMs;
      }
      if (item.to >= merged.to) {
        merged.to = item.to;
        merged.rightMs = item.rightMs;
      }
    }
    if (at < to) fresh.push({ from: at, to });
    intervals.splice(first, end - first, merged);
    for (const item of fresh) this.bytes += item.to - item.from;
    return fresh;
  }

  /** The parts of `from` to `to` that are not in the set. */
  missing(from: number, to: number): Interval[] {
    const parts: Interval[] = [];
    let at = from;
    for (let i = this.#firstThatReaches(from); at < to; i++) {
      const item = this.intervals[i];
      if (item === undefined || item.from >= to) break;
      if (item.from > at) parts.push({ from: at, to: item.from });
      at = Math.max(at, item.to);
    }
    if (at < to) parts.push({ from: at, to });
    return parts;
  }

  get end(): number {
    return this.intervals.at(-1)?.to ?? 0;
  }

  /** Index of the first interval whose end is at or after `from`. */
  #firstThatReaches(from: number): number {
    let low = 0;
    let high = this.intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.intervals[middle]?.to ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What of `parts` is in none of `others`; both ascending and disjoint. */
export function without(parts: readonly Interval[], others: readonly Interval[]): Interval[] {
  const cover = new Coverage();
  for (const { from, to } of others) cover.add(from, to, 0, 0);
  return parts.flatMap(({ from, to }) => cover.missing(from, to));
}

export function bytesOf(parts: readonly Interval[]): number {
  return parts.reduce((sum, { from, to }) => sum + to - from, 0);
}
