import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectCabinet } from '@millrace/core/store/objects.ts';

const kind = 'lease';

interface LeaseValue {
  holder: string;
  /** By the holder's clock, milliseconds since 1970. */
  until: number;
}

/**
 * Lets one process at a time evaluate. It saves work and is no lock: clocks differ and processes pause, so what is
 * done under it is written with the version that was read.
 */
export class Lease {
  readonly #objects: ObjectCabinet;
  readonly #id: string;
  readonly #holder: string;
  readonly #clock: Clock;
  readonly #keepMs: number;

  constructor(objects: ObjectCabinet, id: string, holder: string, clock: Clock, keepMs: number) {
    this.#objects = objects;
    this.#id = id;
    this.#holder = holder;
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** True when this process holds it from now on. */
  async hold(signal?: AbortSignal): Promise<boolean> {
    const now = this.#clock.now();
    const found = await this.#objects.get(kind, this.#id, signal);
    const lease = found?.value as LeaseValue | undefined;
    // One that ends later than any could was written by a clock that stood in the future.
    const live = lease !== undefined && lease.until > now && lease.until <= now + 10 * this.#keepMs;
    if (live && lease.holder !== this.#holder) return false;
    if (live && lease.until > now + this.#keepMs / 2) return true;
    const mine: LeaseValue = { holder: this.#holder, until: now + this.#keepMs };
    const version = await this.#objects.put(kind, this.#id, mine, found?.version ?? 'new', signal);
    return version !== undefined;
  }

  /** Gives it back, so that the next one need not wait. */
  async release(signal?: AbortSignal): Promise<void> {
    const found = await this.#objects.get(kind, this.#id, signal);
    if (found === undefined || (found.value as LeaseValue).holder !== this.#holder) return;
    await this.#objects.delete(kind, this.#id, found.version, signal);
  }
}
