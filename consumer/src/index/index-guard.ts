import type { Clock } from '@millrace/core/runtime/clock.ts';

const hourMs = 3_600_000;
/** Names remembered: more than any cluster holds indices. */
const namesMax = 10_000;

/**
 * A bound on index names that were not met before. Names follow from the block (D13), so whoever forges capture and
 * event times could make an index for every day there ever was, and a cluster of too many shards takes none of
 * anybody's. What is refused is set aside: it stays in the archive, named in its object's mark.
 */
export class IndexGuard {
  readonly #clock: Clock;
  readonly #newMax: number;
  readonly #known = new Set<string>();
  #hourSinceMs: number;
  #met = 0;

  constructor(clock: Clock, newMax: number) {
    this.#clock = clock;
    this.#newMax = newMax;
    this.#hourSinceMs = clock.monotonic();
  }

  admits(index: string): boolean {
    if (this.#known.has(index)) return true;
    const now = this.#clock.monotonic();
    if (now - this.#hourSinceMs >= hourMs) {
      this.#hourSinceMs = now;
      this.#met = 0;
    }
    if (this.#met >= this.#newMax) return false;
    this.#met++;
    if (this.#known.size >= namesMax) this.#known.clear();
    this.#known.add(index);
    return true;
  }
}
