import type { Clock } from '@millrace/core/runtime/clock.ts';

/** Events a second that a viewer wants at most; as many may come at once. */
export class Pace {
  readonly #rate: number;
  readonly #clock: Clock;
  #tokens: number;
  #atMs: number;

  constructor(rate: number, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate;
    this.#atMs = clock.monotonic();
  }

  get empty(): boolean {
    this.#refill();
    return this.#tokens < 1;
  }

  take(): boolean {
    if (this.empty) return false;
    this.#tokens--;
    return true;
  }

  /** Until the next one may go. */
  waitMs(): number {
    return this.empty ? Math.ceil(((1 - this.#tokens) * 1000) / this.#rate) : 0;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonic();
    this.#tokens = Math.min(this.#rate, this.#tokens + ((nowMs - this.#atMs) * this.#rate) / 1000);
    this.#atMs = nowMs;
  }
}
