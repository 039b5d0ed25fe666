import type { Clock } from '@millrace/core/runtime/clock.ts';

export interface BackgroundOptions<T> {
  clock: Clock;
  /** What is older is read anew when somebody asks. */
  freshMs: number;
  /** Undefined: it cannot be read now. */
  read(): Promise<T> | undefined;
  onFailure(error: unknown): void;
}

/** Something that takes long to read: whoever asks gets what is known, and nobody waits. */
export class Background<T> {
  readonly #options: BackgroundOptions<T>;
  #known: T | undefined;
  #readMs = Number.NEGATIVE_INFINITY;
  #running = false;

  constructor(options: BackgroundOptions<T>) {
    this.#options = options;
  }

  /** Undefined: not known yet, or no more since reading failed. */
  get(): T | undefined {
    const { clock, freshMs } = this.#options;
    if (!this.#running && clock.monotonic() - this.#readMs >= freshMs) void this.#read();
    return this.#known;
  }

  async #read(): Promise<void> {
    const { clock, read, onFailure } = this.#options;
    this.#running = true;
    try {
      const reading = read();
      if (reading !== undefined) this.#known = await reading;
    } catch (error) {
      this.#known = undefined;
      onFailure(error);
    }
    this.#readMs = clock.monotonic();
    this.#running = false;
  }
}
