import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** Who holds memory of a message that is not whole, or is not taken yet. */
export interface Holder {
  /** Bytes that it holds. */
  readonly held: number;
  /** Since when its sender has left a message unfinished; undefined while it waits for the agent. */
  readonly since: number | undefined;
  /** Its connection is closed. */
  readonly gone: boolean;
  /** Ends its connection, which gives back what it holds. */
  evict(error: Error): void;
}

/** A message may take this long before its sender is asked to make room for others. */
const slowMs = 10_000;
/** Longest wait for room. */
const waitMs = 30_000;
const lookMs = 1_000;

/**
 * What all connections of a source may hold of messages. Who finds no room waits, and is not read from; senders whose
 * messages do not get finished make room.
 */
export class ReceiveMemory {
  readonly #clock: Clock;
  readonly #holders = new Set<Holder>();
  #left: number;
  #given = new AbortController();

  constructor(bytes: number, clock: Clock) {
    this.#left = bytes;
    this.#clock = clock;
  }

  /** Resolves when the bytes are the holder's. @throws MillraceError WIRE_LIMIT when there was no room for too long */
  async take(holder: Holder, bytes: number): Promise<void> {
    this.#holders.add(holder);
    const until = this.#clock.monotonic() + waitMs;
    while (bytes > this.#left) {
      if (holder.gone || this.#clock.monotonic() >= until)
        throw noRoom('there was no room for the rest of a message');
      const slowest = this.#slowest();
      if (slowest) {
        this.#holders.delete(slowest);
        slowest.evict(noRoom('a message did not get finished, and others need its room'));
      }
      await this.#clock.sleep(lookMs, this.#given.signal);
    }
    this.#left -= bytes;
  }

  /** The same for the little that cannot wait. */
  takeNow(holder: Holder, bytes: number): void {
    this.#holders.add(holder);
    this.#left -= bytes;
  }

  /** All that the holder had. */
  give(holder: Holder, bytes: number): void {
    this.#holders.delete(holder);
    if (bytes === 0) return;
    this.#left += bytes;
    this.#given.abort();
    this.#given = new AbortController();
  }

  /** Holds much, and has for long. */
  #slowest(): Holder | undefined {
    const now = this.#clock.monotonic();
    let most = 0;
    let slowest: Holder | undefined;
    for (const holder of this.#holders) {
      const age = now - (holder.since ?? now);
      if (age < slowMs || age * holder.held <= most) continue;
      most = age * holder.held;
      slowest = holder;
    }
    return slowest;
  }
}

function noRoom(message: string): MillraceError {
  return new MillraceError('WIRE_LIMIT', message, { hint: 'raise receive_memory_limit' });
}
