import type { Clock } from '@millrace/core/runtime/clock.ts';

interface Kept<T> {
  atMs: number;
  value: Promise<T>;
}

/**
 * Answers kept for a while: many who ask the same cost one reading, also while it runs. What fails is not kept. A
 * reading goes on when who asked has gone away.
 */
export class Fresh<T> {
  readonly #clock: Clock;
  readonly #freshMs: number;
  readonly #keptMax: number;
  readonly #kept = new Map<string, Kept<T>>();

  /** `keptMax`: different questions of which answers are kept. */
  constructor(clock: Clock, freshMs: number, keptMax = 32) {
    this.#clock = clock;
    this.#freshMs = freshMs;
    this.#keptMax = keptMax;
  }

  get(question: string, read: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(question);
    if (known !== undefined && this.#clock.monotonic() - known.atMs < this.#freshMs) return known.value;
    // While it is read, it is as young as can be.
    const kept: Kept<T> = { atMs: Number.POSITIVE_INFINITY, value: read() };
    this.#kept.delete(question);
    this.#kept.set(question, kept);
    kept.value.then(
      () => {
        kept.atMs = this.#clock.monotonic();
      },
      () => {
        if (this.#kept.get(question) === kept) this.#kept.delete(question);
      },
    );
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#keptMax && oldest !== undefined) this.#kept.delete(oldest);
    return kept.value;
  }
}
