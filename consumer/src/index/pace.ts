import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { Reminder } from '@millrace/core/runtime/reminder.ts';
import type { IndexerTelemetry } from './events.ts';

/** How fast the store may be asked: not at all for a while after it failed or was overloaded. */
export class Pace {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #emit: IndexerTelemetry['emit'];
  #failures = 0;
  readonly #requestsMax: number;
  /** Requests at a time: halved by overload, one more for every round of success. */
  #requests: number;
  /** Overload is acted upon once in a while: requests sent before say it again. */
  #slowedMs = Number.NEGATIVE_INFINITY;
  #downSinceMs: number | undefined;
  readonly #down: Reminder;
  /** Monotonic time before which nothing is sent. */
  pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, backoff: Backoff, requestsMax: number, emit: IndexerTelemetry['emit']) {
    this.#clock = clock;
    this.#down = new Reminder(clock);
    this.#requestsMax = requestsMax;
    this.#requests = requestsMax;
    this.#backoff = backoff;
    this.#emit = emit;
  }

  /** Requests that may be under way: one while it is asked whether the store is back. */
  get requestsMax(): number {
    return this.#failures > 0 ? 1 : Math.floor(this.#requests);
  }

  /** The store answers, and puts some documents off for its load. */
  overloaded(): void {
    this.#answers();
    const now = this.#clock.monotonic();
    if (now - this.#slowedMs < this.#backoff.baseMs) return;
    this.#slowedMs = now;
    this.#requests = Math.max(1, this.#requests / 2);
  }

  /** A request got no answer, or the store refused most of it for its load. */
  failed(reason: string): void {
    this.#downSinceMs ??= this.#clock.monotonic();
    if (this.#down.due()) this.#emit('store_down', { reason });
    const waitMs = backoffMs(this.#backoff, this.#failures, this.#clock.random);
    this.#failures++;
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#clock.monotonic() + waitMs);
  }

  succeeded(): void {
    this.#answers();
    this.#requests = Math.min(this.#requestsMax, this.#requests + 1 / this.#requests);
  }

  #answers(): void {
    this.#failures = 0;
    this.pausedUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#downSinceMs === undefined) return;
    this.#emit('store_up', { down_ms: Math.round(this.#clock.monotonic() - this.#downSinceMs) });
    this.#downSinceMs = undefined;
    this.#down.over();
  }
}
