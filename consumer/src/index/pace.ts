import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { IndexerTelemetry } from './events.ts';

/** How fast the store may be asked: not at all for a while after it failed or was overloaded. */
export class Pace {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #emit: IndexerTelemetry['emit'];
  #failures = 0;
  #downSinceMs: number | undefined;
  /** Monotonic time before which nothing is sent. */
  pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, backoff: Backoff, emit: IndexerTelemetry['emit']) {
    this.#clock = clock;
    this.#backoff = backoff;
    this.#emit = emit;
  }

  /** True while one request at a time should ask whether the store is back. */
  get probing(): boolean {
    return this.#failures > 0;
  }

  /** A request got no answer, or the store refused most of it for its load. */
  failed(reason: string): void {
    if (this.#downSinceMs === undefined) {
      this.#downSinceMs = this.#clock.monotonic();
      this.#emit('store_down', { reason });
    }
    const waitMs = backoffMs(this.#backoff, this.#failures, this.#clock.random);
    this.#failures++;
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#clock.monotonic() + waitMs);
  }

  succeeded(): void {
    this.#failures = 0;
    this.pausedUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#downSinceMs === undefined) return;
    this.#emit('store_up', { down_ms: Math.round(this.#clock.monotonic() - this.#downSinceMs) });
    this.#downSinceMs = undefined;
  }
}
