import { MillraceError } from '../errors.ts';

/** Growing byte buffer with the few encodings that the wire format has. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Unsigned LEB128; `value` is a safe integer >= 0. */
  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Signed integer, zigzag-mapped to unsigned LEB128. */
  zigzag(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Length as varint, then the bytes. */
  sized(bytes: Uint8Array | string): this {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
    return this.varint(data.length).raw(data);
  }

  /** One type-length-value field. */
  field(type: number, value: Uint8Array | string): this {
    return this.varint(type).sized(value);
  }

  /** The bytes written so far; valid until the next write. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Reads what ByteWriter writes, from untrusted bytes: anything out of bounds is WIRE_CORRUPT. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.#at >= this.#end) throw new MillraceError('WIRE_CORRUPT', 'varint runs past its field');
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // One number has one encoding, so that equal blocks are equal bytes.
        if (byte === 0 && i > 0) throw new MillraceError('WIRE_CORRUPT', 'varint has a leading zero group');
        if (value > Number.MAX_SAFE_INTEGER) throw new MillraceError('WIRE_CORRUPT', 'varint above 2^53 - 1');
        return value;
      }
      scale *= 0x80;
    }
    throw new MillraceError('WIRE_CORRUPT', 'varint longer than 8 bytes');
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(size: number): Uint8Array {
    if (size > this.#end - this.#at)
      throw new MillraceError('WIRE_CORRUPT', `${size} bytes run past their field`);
    const bytes = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    return bytes;
  }

  sized(): Uint8Array {
    return this.raw(this.varint());
  }

  text(): string {
    const bytes = this.sized();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }

  /**
   * Calls `read` for each type-length-value field up to the end; `read` returns false for a type it does not
   * know: such a field is skipped, or refused when its type is odd (the critical bit).
   */
  fields(read: (type: number, value: ByteReader, bytes: Uint8Array) => boolean): void {
    while (!this.done) {
      const type = this.varint();
      const bytes = this.sized();
      if (!read(type, new ByteReader(bytes), bytes) && type % 2 === 1) {
        throw new MillraceError('WIRE_UNSUPPORTED', `unknown critical field ${type}`, {
          hint: 'a newer version wrote it: upgrade this reader',
        });
      }
    }
  }
}
