import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Rate } from './request.ts';

/** Holds work to so much a second: what was taken is waited for before the next is. */
export class RateLimit {
  readonly #rate: Rate | undefined;
  readonly #clock: Clock;
  #freeMs = 0;

  constructor(rate: Rate | undefined, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  async take(unit: Rate['unit'], amount: number, signal: AbortSignal): Promise<void> {
    if (this.#rate?.unit !== unit) return;
    const now = this.#clock.monotonic();
    if (this.#freeMs > now) await this.#clock.sleep(this.#freeMs - now, signal);
    this.#freeMs = Math.max(now, this.#freeMs) + (amount / this.#rate.perSecond) * 1000;
  }
}
