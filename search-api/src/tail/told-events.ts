/** A stretch of time whose events are over: none of them is told any more. Milliseconds since 1970; `toMs` is beyond. */
export interface Told {
  fromMs: number;
  toMs: number;
  count: number;
}

/** Counted by the minute, and looked at so much later: what comes to be seen later still is not counted. */
const spanMs = 60_000;
const waitMs = 60_000;
/** Stamps of clocks that are further ahead are not counted. */
const aheadMax = 60;

/**
 * How many events were told of, by when they were stamped. Compared with what the store has a minute later, it says how
 * many came to be seen too late.
 */
export class ToldEvents {
  readonly #counts = new Map<number, number>();
  /** The first minute that is counted; what was stamped in one before may have been there before anybody asked. */
  #next: number;

  constructor(begunMs: number) {
    this.#next = Math.floor(begunMs / spanMs) + 2;
  }

  add(ms: number): void {
    const span = Math.floor(ms / spanMs);
    if (span >= this.#next && span < this.#next + aheadMax)
      this.#counts.set(span, (this.#counts.get(span) ?? 0) + 1);
  }

  /** What can be compared now that nothing up to `closedMs` is told any more; undefined: nothing new. */
  take(closedMs: number): Told | undefined {
    const end = Math.floor((closedMs - waitMs) / spanMs);
    if (end <= this.#next) return undefined;
    const told = { fromMs: this.#next * spanMs, toMs: end * spanMs, count: 0 };
    for (const [span, count] of this.#counts) if (span < end) told.count += count;
    this.#goTo(end);
    return told;
  }

  /** What was stamped up to then was left out, and counted by others. */
  leaveOut(ms: number): void {
    this.#goTo(Math.max(this.#next, Math.floor(ms / spanMs) + 1));
  }

  #goTo(next: number): void {
    this.#next = next;
    for (const span of this.#counts.keys()) if (span < next) this.#counts.delete(span);
  }
}
