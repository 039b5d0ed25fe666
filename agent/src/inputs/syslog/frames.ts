export type FrameType = 'auto' | 'traditional' | 'octet_count';

/** A message without its frame; `cut`: more of it follows as the next one. */
export interface Frame {
  bytes: Buffer;
  cut: boolean;
}

const nothing = Buffer.alloc(0);
/** Digits of an octet count; more are text. */
const countDigitsMax = 9;

/**
 * Cuts a stream of bytes into syslog messages (RFC 6587), whatever pieces it comes in: with a count before each, or
 * with a delimiter behind; `auto` sees by each message which it is.
 */
export class FrameReader {
  readonly #type: FrameType;
  readonly #delimiter: Buffer;
  readonly #bytesMax: number;
  /** What is not a whole message begins it. */
  #buffer = Buffer.alloc(0);
  #fill = 0;
  /** Bytes of the counted message that are to come; 0 between messages. */
  #counted = 0;
  /** The message that goes on was cut: what comes is not the start of one. */
  #within = false;
  /** Of the rest: there is no delimiter before here. */
  #searched = 0;

  constructor(type: FrameType, delimiter: string, bytesMax: number) {
    this.#type = type;
    this.#delimiter = Buffer.from(delimiter);
    this.#bytesMax = bytesMax;
  }

  /** The messages that `chunk` completes, without empty ones. */
  *feed(chunk: Buffer): Generator<Frame> {
    const all = this.#fill === 0 ? chunk : this.#append(chunk);
    let bytes = all;
    while (bytes.length > 0) {
      if (this.#counted === 0 && !this.#within) {
        const head = this.#countAt(bytes);
        if (head === undefined) break;
        this.#counted = head.count;
        bytes = bytes.subarray(head.size);
      }
      const next = this.#counted > 0 ? this.#takeCounted(bytes) : this.#takeDelimited(bytes);
      if (next === undefined) break;
      if (next.frame.bytes.length > 0) yield next.frame;
      bytes = bytes.subarray(next.size);
    }
    // What stands where it did stays there: a message that comes byte by byte is not copied with each.
    if (bytes.length === all.length && this.#fill > 0) return;
    // The messages lie in the buffer that was.
    this.#buffer = nothing;
    this.#fill = 0;
    if (bytes.length > 0) this.#append(bytes);
  }

  /** What came of a message that never became whole. */
  end(): Frame | undefined {
    return this.#fill > 0 ? { bytes: this.#buffer.subarray(0, this.#fill), cut: false } : undefined;
  }

  #append(chunk: Buffer): Buffer {
    const size = this.#fill + chunk.length;
    if (size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#fill);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#fill);
    this.#fill = size;
    return this.#buffer.subarray(0, size);
  }

  /** The octet count that a message begins with, 0 when it has none; undefined: not to be told yet. */
  #countAt(bytes: Buffer): { count: number; size: number } | undefined {
    const none = { count: 0, size: 0 };
    if (this.#type === 'traditional') return none;
    let count = 0;
    for (let i = 0; i <= countDigitsMax; i++) {
      const byte = bytes[i];
      if (byte === undefined) return undefined;
      if (byte >= 0x30 && byte <= 0x39) count = count * 10 + byte - 0x30;
      else if (byte !== 0x20 || count === 0 || bytes[0] === 0x30) return none;
      // A message whose text begins with a number and a space is none; one with a count begins with its priority.
      else if (this.#type === 'auto' && bytes[i + 1] === undefined) return undefined;
      else if (this.#type === 'auto' && bytes[i + 1] !== 0x3c) return none;
      else return { count, size: i + 1 };
    }
    return none;
  }

  #takeCounted(bytes: Buffer): { frame: Frame; size: number } | undefined {
    const size = Math.min(this.#counted, this.#bytesMax);
    if (bytes.length < size) return undefined;
    this.#counted -= size;
    return { frame: { bytes: bytes.subarray(0, size), cut: this.#counted > 0 }, size };
  }

  #takeDelimited(bytes: Buffer): { frame: Frame; size: number } | undefined {
    const at = bytes.indexOf(this.#delimiter, this.#searched);
    const end = at < 0 ? bytes.length : at;
    // What reaches the limit is not over it yet: its end may be what comes next.
    if (at < 0 ? end >= this.#bytesMax + this.#delimiter.length : end > this.#bytesMax) {
      this.#within = true;
      this.#searched = 0;
      return { frame: { bytes: bytes.subarray(0, this.#bytesMax), cut: true }, size: this.#bytesMax };
    }
    this.#searched = at < 0 ? Math.max(0, end - this.#delimiter.length + 1) : 0;
    if (at < 0) return undefined;
    this.#within = false;
    return { frame: { bytes: bytes.subarray(0, at), cut: false }, size: at + this.#delimiter.length };
  }
}
