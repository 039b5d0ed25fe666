import { MillraceError } from '@millrace/core/errors.ts';
import { type Head, wholeHead } from './msgpack.ts';

/** Values inside one another; deeper ones are an invalid event. The consumer's JSON parser has a lower limit. */
const depthMax = 200;

const nothing = Buffer.alloc(0);
const bytesMaxDefault = 256 * 1024 * 1024;
const startBytes = 64 * 1024;

/** Bytes that are written as `\u00XX` or with a letter; 0: as they are. */
const escapes = new Uint8Array(256);
for (let byte = 0; byte < 0x20; byte++) escapes[byte] = 1;
for (const [byte, letter] of Object.entries({ 34: '"', 92: '\\', 8: 'b', 12: 'f', 10: 'n', 13: 'r', 9: 't' }))
  escapes[Number(byte)] = letter.charCodeAt(0);
/** The longest of them. */
const escapeBytes = 6;
const hex = Buffer.from('0123456789abcdef');

/**
 * Writes JSON from MessagePack. Text keeps its bytes, also those that are no UTF-8 (they are shown as U+FFFD, as in a
 * file); what JSON has no form for becomes text: NaN, and names that are no text. An extension becomes
 * `{"ext":TYPE,"base64":"…"}`.
 */
export class JsonLines {
  readonly #bytesMax: number;
  #bytes = nothing;
  #fill = 0;
  #inName = false;

  /** `bytesMax`: what it takes; a byte of MessagePack can become many. */
  constructor(bytesMax = bytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#fill;
  }

  /** What was written; the writer is empty then, and holds no memory to speak of. */
  take(): Buffer {
    const written = this.#bytes.subarray(0, this.#fill);
    // A copy where most of the buffer would be kept for nothing.
    const taken = this.#fill * 2 > this.#bytes.length ? written : Buffer.from(written);
    if (taken === written || this.#bytes.length > startBytes) this.#bytes = nothing;
    this.#fill = 0;
    return taken;
  }

  /** Forgets what was written behind `size`. */
  cutTo(size: number): void {
    this.#fill = size;
  }

  ascii(text: string): void {
    this.#reserve(text.length);
    this.#fill += this.#bytes.write(text, this.#fill, 'latin1');
  }

  /** Text that may hold any character. */
  utf8(text: string): void {
    this.#reserve(text.length * 3);
    this.#fill += this.#bytes.write(text, this.#fill);
  }

  /** Bytes as a JSON string. */
  text(bytes: Buffer, from = 0, end = bytes.length): void {
    this.#reserve(end - from + 2);
    let to = this.#fill;
    this.#bytes[to++] = 0x22;
    for (let i = from; i < end; i++) {
      const byte = bytes[i] as number;
      const letter = escapes[byte] as number;
      if (letter === 0) {
        this.#bytes[to++] = byte;
        continue;
      }
      this.#fill = to;
      this.#reserve(end - i + escapeBytes);
      to = this.#escape(byte, letter, to);
    }
    this.#bytes[to++] = 0x22;
    this.#fill = to;
  }

  #escape(byte: number, letter: number, at: number): number {
    const out = this.#bytes;
    let to = at;
    out[to++] = 0x5c;
    if (letter !== 1) {
      out[to++] = letter;
      return to;
    }
    to += out.write('u00', to, 'latin1');
    out[to++] = hex[byte >> 4] as number;
    out[to++] = hex[byte & 15] as number;
    return to;
  }

  /** The value at `at`; its end. @throws MillraceError WIRE_CORRUPT for what is cut short or too deep */
  value(bytes: Buffer, at: number, depth = 0): number {
    const head = wholeHead(bytes, at);
    const content = at + head.size;
    const end = content + (head.bytes ?? 0);
    if (head.kind === 'text') this.text(bytes, content, end);
    else if (head.kind === 'array' || head.kind === 'map') return this.#group(bytes, content, head, depth);
    else if (head.kind === 'ext') this.#extension(bytes.subarray(content, end), head.type ?? 0);
    else this.ascii(scalar(head));
    return end;
  }

  #group(bytes: Buffer, from: number, { kind, items = 0 }: Head, depth: number): number {
    if (depth >= depthMax)
      throw new MillraceError('WIRE_CORRUPT', `values nested deeper than ${depthMax} levels`);
    let at = from;
    this.ascii(kind === 'map' ? '{' : '[');
    for (let i = 0; i < items; i++) {
      if (kind === 'map' && i % 2 === 1) this.ascii(':');
      else if (i > 0) this.ascii(',');
      at = kind === 'map' && i % 2 === 0 ? this.name(bytes, at, depth + 1) : this.value(bytes, at, depth + 1);
    }
    this.ascii(kind === 'map' ? '}' : ']');
    return at;
  }

  /**
   * A name in a map: one that is no text is written as the text of its JSON.
   * @throws MillraceError WIRE_CORRUPT for a map in a name that has such a name itself: each level doubles the escapes
   */
  name(bytes: Buffer, at: number, depth: number): number {
    if (wholeHead(bytes, at).kind === 'text') return this.value(bytes, at);
    if (this.#inName) throw new MillraceError('WIRE_CORRUPT', 'names that are no text, inside one another');
    const from = this.#fill;
    this.#inName = true;
    let end: number;
    try {
      end = this.value(bytes, at, depth);
    } finally {
      this.#inName = false;
    }
    const text = Buffer.from(this.#bytes.subarray(from, this.#fill));
    this.#fill = from;
    this.text(text);
    return end;
  }

  #extension(content: Buffer, type: number): void {
    const time =
      type === 0 && content.length === 8
        ? timeText(content.readUInt32BE(0), content.readUInt32BE(4))
        : undefined;
    if (time !== undefined) this.ascii(`"${time}"`);
    else this.ascii(`{"ext":${type},"base64":"${content.toString('base64')}"}`);
  }

  #reserve(size: number): void {
    if (this.#fill + size <= this.#bytes.length) return;
    if (this.#fill + size > this.#bytesMax)
      throw new MillraceError('WIRE_LIMIT', `events of more than ${this.#bytesMax} bytes as JSON`, {
        hint: "lower the sender's chunk_limit_size, or raise decompressed_size_limit",
      });
    const larger = Buffer.allocUnsafeSlow(Math.max(startBytes, this.#bytes.length * 2, this.#fill + size));
    this.#bytes.copy(larger, 0, 0, this.#fill);
    this.#bytes = larger;
  }
}

function scalar({ kind, value }: Head): string {
  if (kind !== 'float' || Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return `"${value}"`;
}

let lastSecond = -1;
let lastText = '';

/** ISO 8601 with nine digits; undefined when the nanoseconds are none. */
export function timeText(seconds: number, nanos: number): string | undefined {
  if (nanos > 999_999_999) return undefined;
  return `${secondText(seconds)}.${String(nanos).padStart(9, '0')}Z`;
}

/** ISO 8601 without a zone. `seconds` is a whole number that a Date can hold. */
export function secondText(seconds: number): string {
  if (seconds !== lastSecond) {
    lastText = new Date(seconds * 1000).toISOString().slice(0, -5);
    lastSecond = seconds;
  }
  return lastText;
}
