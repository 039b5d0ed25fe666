import type { Clock } from '@millrace/core/runtime/clock.ts';

/** Slowest that it gets, bytes a second; a call that is refused whole all the same waits its backoff. */
const rateMin = 64 * 1024;
/** After the first refusal, at least: what one shard takes. Little was taken before it where little was to be sent. */
const rateFirst = 1024 * 1024;
/** Over how long what was taken is counted, milliseconds. */
const windowMs = 2_000;
/** After a refusal the rate is this part of what it was; not again within `settleMs`, as calls in flight are refused too. */
const slower = 0.85;
const settleMs = 500;
/** Growth a second while nothing is refused: by this part, and by these bytes a second. */
const faster = 1.05;
const fasterBytes = 32 * 1024;
/** Nothing was refused for this long: no limit any more. */
const freeMs = 60_000;
/** A request is at most what the rate allows in this time, or one record. */
const burstMs = 500;

/**
 * How fast a stream takes what is sent, learned from its refusals: as many bytes a second as it took, less a part for
 * every refusal, more with every second without one. A stream whose shards are too few gets little more than it can
 * take, so that hardly anything is sent twice, and no shard's limit is met by all agents at once.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #taken: { at: number; bytes: number }[] = [];
  #rate: number | undefined;
  #refusedAt = Number.NEGATIVE_INFINITY;
  #grownAt = 0;
  /** Monotonic time before which the next request is too early. */
  #nextAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes a second; undefined: no limit is known. */
  get rate(): number | undefined {
    return this.#rate;
  }

  /** Milliseconds until the next request may go. */
  waitMs(): number {
    return this.#rate === undefined ? 0 : Math.max(0, this.#nextAt - this.#clock.monotonic());
  }

  /** Most bytes of the next request; one record may be larger. */
  get burstBytes(): number {
    return this.#rate === undefined ? Number.POSITIVE_INFINITY : (this.#rate * burstMs) / 1000;
  }

  sent(bytes: number): void {
    if (this.#rate === undefined) return;
    this.#nextAt = Math.max(this.#nextAt, this.#clock.monotonic()) + (bytes / this.#rate) * 1000;
  }

  /** The stream took these, and refused nothing of the request that they were in. */
  taken(bytes: number): void {
    const now = this.#clock.monotonic();
    this.#count(now, bytes);
    if (this.#rate === undefined) return;
    if (now - this.#refusedAt > freeMs) this.#rate = undefined;
    else {
      const seconds = (now - this.#grownAt) / 1000;
      this.#rate = this.#rate * faster ** seconds + fasterBytes * seconds;
    }
    this.#grownAt = now;
  }

  /** The stream refused a part of a request for its rate, and took `bytes` of it. */
  refused(bytes: number): void {
    const now = this.#clock.monotonic();
    this.#count(now, bytes);
    this.#grownAt = now;
    if (now - this.#refusedAt < settleMs) return;
    this.#refusedAt = now;
    if (this.#rate === undefined) this.#rate = Math.max(rateFirst, this.#measured(now));
    else this.#rate = Math.max(rateMin, this.#rate * slower);
    this.#nextAt = Math.max(this.#nextAt, now + burstMs / 2);
  }

  #count(now: number, bytes: number): void {
    this.#taken.push({ at: now, bytes });
    while ((this.#taken[0]?.at ?? now) < now - windowMs) this.#taken.shift();
  }

  #measured(now: number): number {
    const first = this.#taken[0]?.at ?? now;
    const seconds = Math.max(1_000, now - first) / 1000;
    return this.#taken.reduce((sum, { bytes }) => sum + bytes, 0) / seconds;
  }
}

/** Refusals that say "too fast", not "wrong". */
export function isThrottle(code: string): boolean {
  return /Throughput|Throttl|LimitExceeded|SlowDown|TooManyRequests|ServiceUnavailable/i.test(code);
}
