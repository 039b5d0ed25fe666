import { MillraceError } from '@millrace/core/errors.ts';
import { headAt } from './msgpack.ts';
import type { Holder, ReceiveMemory } from './receive-memory.ts';

/** Smallest buffer of a message that is not whole. */
const growBytes = 64 * 1024;

/** Cuts a stream of bytes into MessagePack values, whatever pieces it comes in. */
export class MessageReader {
  /** Longest message. */
  bytesMax: number;
  readonly #memory: ReceiveMemory;
  readonly #holder: Holder;
  readonly #monotonic: () => number;
  /** When the unfinished message began; undefined while the agent is at work on what came. */
  #since: number | undefined;
  /** The message that is not whole, and what follows nothing. */
  #buffer = Buffer.alloc(0);
  #fill = 0;
  /** How far it was looked at; may lie behind what came. */
  #at = 0;
  /** Values that the message still consists of. */
  #left = 1;

  constructor(
    bytesMax: number,
    memory: ReceiveMemory,
    monotonic: () => number,
    sender: Pick<Holder, 'gone' | 'evict'>,
  ) {
    this.bytesMax = bytesMax;
    this.#memory = memory;
    this.#monotonic = monotonic;
    const reader = this;
    this.#holder = {
      get held() {
        return reader.#buffer.length;
      },
      get since() {
        return reader.#since;
      },
      get gone() {
        return sender.gone;
      },
      evict: (error) => sender.evict(error),
    };
  }

  /** Resolves when there is room for `size` more bytes. @throws MillraceError WIRE_LIMIT */
  async makeRoom(size: number): Promise<void> {
    const needed = this.#fill + size;
    if (this.#fill === 0 || needed <= this.#buffer.length) return;
    // Not what the message says it will be: that costs its sender nothing.
    const room = Math.max(needed, this.#buffer.length * 2);
    const age = this.#monotonic() - (this.#since ?? this.#monotonic());
    this.#since = undefined;
    await this.#memory.take(this.#holder, room - this.#buffer.length);
    this.#since = this.#monotonic() - age;
    this.#grow(room);
  }

  /**
   * The messages that `chunk` completes, for which there is room; they are valid until the next call.
   * @throws MillraceError WIRE_CORRUPT for what is no MessagePack, WIRE_LIMIT for a message that is too long
   */
  *feed(chunk: Buffer): Generator<Buffer> {
    let rest = chunk;
    const since = this.#fill > 0 ? this.#since : undefined;
    this.#since = undefined;
    if (this.#fill > 0) {
      chunk.copy(this.#buffer, this.#fill);
      this.#fill += chunk.length;
      rest = this.#buffer.subarray(0, this.#fill);
    }
    let start = 0;
    for (let end = this.#scan(rest, start); end !== undefined; end = this.#scan(rest, start)) {
      yield rest.subarray(start, end);
      start = end;
      this.#at = 0;
      this.#left = 1;
    }
    if (start > 0 || rest === chunk) this.#keep(rest.subarray(start));
    this.#since = start === 0 ? (since ?? this.#monotonic()) : this.#monotonic();
  }

  /** Gives back what the message that never became whole has taken. */
  close(): void {
    this.#memory.give(this.#holder, this.#buffer.length);
    this.#buffer = Buffer.alloc(0);
    this.#fill = 0;
  }

  /** Looks on in the message that begins at `start`; its end, or undefined while it is not whole. */
  #scan(bytes: Buffer, start: number): number | undefined {
    while (this.#left > 0) {
      const head = headAt(bytes, start + this.#at);
      if (head === undefined) return undefined;
      this.#at += head.size + (head.bytes ?? 0);
      this.#left += (head.items ?? 0) - 1;
      // Every value that is to come takes a byte at least.
      if (this.#at + this.#left > this.bytesMax)
        throw new MillraceError('WIRE_LIMIT', `a message of more than ${this.bytesMax} bytes`, {
          hint: "raise chunk_size_limit, or lower the sender's chunk_limit_size",
        });
    }
    return start + this.#at <= bytes.length ? start + this.#at : undefined;
  }

  #grow(room: number): void {
    const larger = Buffer.allocUnsafeSlow(room);
    this.#buffer.copy(larger, 0, 0, this.#fill);
    this.#buffer = larger;
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) {
      this.close();
      return;
    }
    // A large buffer is not kept for a short rest.
    if (this.#fill === 0 || this.#buffer.length > 4 * Math.max(growBytes, rest.length)) {
      const kept = Buffer.from(rest);
      this.close();
      const room = Math.max(growBytes, rest.length);
      this.#memory.takeNow(this.#holder, room);
      this.#grow(room);
      kept.copy(this.#buffer);
    } else rest.copy(this.#buffer, 0);
    this.#fill = rest.length;
  }
}
