import type { Clock } from './clock.ts';

/**
 * When to say what lasts: as it begins, and each minute until it is over. Said once, it would be missing from the
 * minutes that an alarm, or whoever looks later, sees.
 */
export class Reminder {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** True when it is to be said now; the next minute begins. */
  due(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#saidMs < everyMs) return false;
    this.#saidMs = now;
    return true;
  }

  /** It is over: the next time it begins anew. */
  over(): void {
    this.#saidMs = Number.NEGATIVE_INFINITY;
  }
}

const everyMs = 60_000;
