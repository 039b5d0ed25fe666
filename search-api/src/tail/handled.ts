/** How many events a cursor names at most; of older ones it has the number. */
export const namedMax = 512;

/**
 * What of a tail needs no delivery any more. Events come to be seen up to a window later than they were stamped, so
 * the last time alone says too little: everything up to `edge` less the window is handled; of what follows, `before`
 * events up to `floor`, and those in `keys`.
 */
export interface Handled {
  /** Milliseconds since 1970. */
  edge: number;
  floor: number;
  before: number;
  keys: string[];
}

/** Follows what one viewer was given, or told to have missed, within the window. */
export class HandledWindow {
  readonly #windowMs: number;
  readonly #keys = new Map<string, number>();
  /** How many were stamped then, of those that are counted only. */
  readonly #counts = new Map<number, number>();
  #edge = 0;
  #floor = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get edge(): number {
    return this.#edge;
  }

  add(key: string, ms: number): void {
    if (ms <= this.#floor) {
      this.#count(ms, 1);
      return;
    }
    this.#keys.set(key, ms);
    if (this.#keys.size > 2 * namedMax) this.#fold();
  }

  /** Goes on where a cursor ended; its keys have to be added with their times. */
  restore({ edge, floor, before }: Omit<Handled, 'keys'>): void {
    this.#edge = edge;
    this.#floor = floor;
    this.#keys.clear();
    this.#counts.clear();
    if (before > 0) this.#count(floor, before);
  }

  /** Nothing that is seen from now on was stamped before `edge` less the window. */
  moveTo(edge: number): void {
    this.#edge = Math.max(this.#edge, edge);
    this.#floor = Math.max(this.#floor, this.#edge - this.#windowMs);
  }

  state(): Handled {
    this.#fold();
    const before = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    return { edge: this.#edge, floor: this.#floor, before, keys: [...this.#keys.keys()] };
  }

  #count(ms: number, count: number): void {
    this.#counts.set(ms, (this.#counts.get(ms) ?? 0) + count);
  }

  /** Forgets what is behind the window, and counts what is too much to be named: the oldest. */
  #fold(): void {
    const start = this.#edge - this.#windowMs;
    for (const ms of this.#counts.keys()) if (ms <= start) this.#counts.delete(ms);
    for (const [key, ms] of this.#keys) if (ms <= start) this.#keys.delete(key);
    if (this.#keys.size <= namedMax) return;
    const newestFirst = [...this.#keys].sort(([, a], [, b]) => b - a);
    // Those of one millisecond are named all or not at all.
    this.#floor = newestFirst[namedMax]?.[1] ?? this.#floor;
    for (const [key, ms] of newestFirst) {
      if (ms > this.#floor) continue;
      this.#keys.delete(key);
      this.#count(ms, 1);
    }
  }
}
