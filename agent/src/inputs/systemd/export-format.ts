/** Longest name of a field; the journal's own limit is 64. */
const nameBytesMax = 256;

export interface EntryLimits {
  /** Bytes of one field's value; the rest of a longer one is left out. */
  fieldBytesMax: number;
  /** Bytes of all values of an entry; fields behind it are left out. */
  entryBytesMax: number;
}

/** An entry of the journal. */
export interface Entry {
  /** In the order in which they came; a name may come several times. */
  fields: [name: string, value: Buffer][];
  /** Fields that were cut or left out. */
  cut: number;
}

/** Reads the Journal Export Format, in whatever pieces it comes. */
export class ExportReader {
  readonly #limits: EntryLimits;
  #rest = Buffer.alloc(0);
  #entry: Entry = { fields: [], cut: 0 };
  #size = 0;
  /** Bytes of a value that is left out, its line end included. */
  #skip = 0;
  /** Left out up to the next line end. */
  #skipLine = false;
  /** The line that ends an entry was read. */
  #ended = false;

  constructor(limits: EntryLimits) {
    this.#limits = limits;
  }

  /** The entries that `chunk` completes. */
  *feed(chunk: Buffer): Generator<Entry> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const next = this.#step(bytes, at);
      if (next === undefined) break;
      if (this.#ended) {
        this.#ended = false;
        const entry = this.#take();
        if (entry.fields.length > 0) yield entry;
      }
      at = next;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  #take(): Entry {
    const entry = this.#entry;
    this.#entry = { fields: [], cut: 0 };
    this.#size = 0;
    return entry;
  }

  /** Where to go on; undefined when more has to come first. */
  #step(bytes: Buffer, at: number): number | undefined {
    if (at >= bytes.length) return undefined;
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      this.#skip -= skipped;
      return at + skipped;
    }
    const end = bytes.indexOf(0x0a, at);
    if (this.#skipLine) {
      this.#skipLine = end < 0;
      return end < 0 ? bytes.length : end + 1;
    }
    if (end < 0) return this.#longLine(bytes, at);
    if (end === at) {
      this.#ended = true;
      return at + 1;
    }
    const equals = bytes.subarray(at, end).indexOf(0x3d);
    if (equals < 0) return this.#binary(bytes, at, end);
    this.#add(bytes.subarray(at, at + equals), bytes.subarray(at + equals + 1, end), end - at - equals - 1);
    return end + 1;
  }

  /** A line whose end has not come yet: waited for, unless it is too long already. */
  #longLine(bytes: Buffer, at: number): number | undefined {
    const { fieldBytesMax } = this.#limits;
    if (bytes.length - at <= nameBytesMax + 1 + fieldBytesMax) return undefined;
    const equals = bytes.subarray(at).indexOf(0x3d);
    this.#skipLine = true;
    if (equals < 0) this.#entry.cut++;
    else {
      const value = bytes.subarray(at + equals + 1, at + equals + 1 + fieldBytesMax);
      this.#add(bytes.subarray(at, at + equals), value, Number.POSITIVE_INFINITY);
    }
    return bytes.length;
  }

  /** A name alone: 64 bits of length, little-endian, the value and a line end follow. */
  #binary(bytes: Buffer, at: number, end: number): number | undefined {
    const head = end + 9;
    if (bytes.length < head) return undefined;
    const size = Number(bytes.readBigUInt64LE(end + 1));
    const kept = Math.min(size, this.#limits.fieldBytesMax);
    const whole = size === kept;
    if (bytes.length < head + kept + (whole ? 1 : 0)) return undefined;
    this.#add(bytes.subarray(at, end), bytes.subarray(head, head + kept), size);
    if (!whole) this.#skip = size - kept + 1;
    return head + kept + (whole ? 1 : 0);
  }

  #add(name: Buffer, value: Buffer, size: number): void {
    const { fieldBytesMax, entryBytesMax } = this.#limits;
    if (size > fieldBytesMax) this.#entry.cut++;
    const kept = value.subarray(0, fieldBytesMax);
    if (name.length > nameBytesMax || this.#size + kept.length > entryBytesMax) {
      if (size <= fieldBytesMax) this.#entry.cut++;
      return;
    }
    this.#size += name.length + kept.length;
    this.#entry.fields.push([name.toString('latin1'), Buffer.from(kept)]);
  }
}
