import type { Clock } from '@millrace/core/runtime/clock.ts';

/** mulberry32: uniform in [0, 1), the same for the same seed. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Time that passes only when `advance` says so; several clocks (one an agent) share it. */
export class VirtualTime {
  /** Milliseconds since 1970; monotonic clocks count from 0 at `startMs`. */
  readonly startMs: number;
  elapsedMs = 0;
  readonly random: () => number;
  readonly #timers: { at: number; resolve: () => void }[] = [];
  /** How often anything asked for time or a timer: while this grows, something is going on. */
  activity = 0;

  constructor(startMs: number, random: () => number) {
    this.startMs = startMs;
    this.random = random;
  }

  get now(): number {
    return this.startMs + this.elapsedMs;
  }

  timer(ms: number, resolve: () => void): () => void {
    const timer = { at: this.elapsedMs + Math.max(0, ms), resolve };
    this.#timers.push(timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** Lets `ms` pass: everything that is due runs, one timer after another, each to where it waits again. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsedMs + ms;
    for (;;) {
      await this.#settle();
      let next = this.#timers[0];
      for (const timer of this.#timers) if (next && timer.at < next.at) next = timer;
      if (next === undefined || next.at > end) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.elapsedMs = Math.max(this.elapsedMs, next.at);
      next.resolve();
    }
    this.elapsedMs = end;
  }

  /** Until nothing has asked for the time during two turns of the event loop. */
  async #settle(): Promise<void> {
    for (let quiet = 0, before = -1; quiet < 2; ) {
      before = this.activity;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.activity === before ? quiet + 1 : 0;
    }
  }
}

/** One process' view of virtual time. */
export class VirtualClock implements Clock {
  readonly #time: VirtualTime;
  /** The process was killed: what is left of it runs out at once, in nobody's time. */
  #dead = false;
  #wakes = new Set<() => void>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  now(): number {
    this.#time.activity++;
    return Math.floor(this.#time.now);
  }

  monotonic(): number {
    this.#time.activity++;
    return this.#time.elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#time.activity++;
    if (signal?.aborted) return Promise.resolve();
    if (this.#dead) return new Promise((resolve) => setImmediate(resolve));
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#wakes.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.#time.timer(ms, wake);
      this.#wakes.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  random(): number {
    return this.#time.random();
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => Math.floor(this.#time.random() * 256));
  }

  kill(): void {
    this.#dead = true;
    for (const wake of [...this.#wakes]) wake();
  }
}
