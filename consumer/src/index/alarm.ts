import type { Clock } from '@millrace/core/runtime/clock.ts';

/** One wake-up at a time: the earliest asked for. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #cancel: AbortController | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at this monotonic time, or at the earlier one that is set already. */
  set(atMs: number): void {
    if (this.#atMs <= atMs) return;
    this.clear();
    this.#atMs = atMs;
    const cancel = new AbortController();
    this.#cancel = cancel;
    void this.#clock.sleep(Math.max(0, atMs - this.#clock.monotonic()), cancel.signal).then(() => {
      if (cancel.signal.aborted) return;
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#ring();
    });
  }

  clear(): void {
    this.#cancel?.abort();
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}
