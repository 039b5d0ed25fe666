import { separates, tokenize, tokenLengthMax } from '../query/tokenize.ts';
import { escapedTokens } from './escaped-tokens.ts';

/**
 * A Bloom filter of the tokens in an object's records, read as UTF-8 and cut as core/src/query/tokenize.ts does, and of
 * those that they have when their escapes (`\n`, `\u00e9`) are read as JSON does. It never denies a token that is there.
 * The first byte is the number of hash functions, and 16 since escapes are read; the rest is a bitmap, a power of two
 * long.
 */
const functions = 5;
const escapesRead = 16;
const bitmapBytesMin = 8;
/** Of a builder, and so of any filter. */
const bitmapBytesMax = 1024 * 1024;
/** A filter that is fuller says "perhaps" to nearly everything. */
const fullestBits = 0.7;
const foldedBits = 0.5;

/**
 * What else a filter says of its records, as tokens that no text has. odd: a backslash before a letter or digit other
 * than n, t and r. deep: letters written by their numbers, perhaps in an escape within an escape. joined: a record of
 * several lines, as a container runtime writes long ones. long: a word over 255 characters where a parser cuts such.
 */
export const filterNotes = { odd: '\0odd', deep: '\0deep', joined: '\0joined', long: '\0long' } as const;

/** What a byte is: 0 separates, 1 is the backslash, 255 begins text beyond ASCII, else the token's byte in lower case. */
const classes = new Uint8Array(256).fill(255);
for (let byte = 0; byte < 128; byte++) {
  classes[byte] = separates(byte) ? 0 : String.fromCharCode(byte).toLowerCase().charCodeAt(0);
}
const backslash = 0x5c;
classes[backslash] = 1;
const [letterB, letterF, letterN, letterR, letterT, letterU] = [0x62, 0x66, 0x6e, 0x72, 0x74, 0x75];

const seed = 0x811c9dc5;
const prime = 0x01000193;
const recentMask = 8191;

/** Gathers tokens in bounded memory, however many they are. */
export class TokenFilterBuilder {
  readonly #bits = new Uint8Array(bitmapBytesMax);
  /** Hashes met lately: most tokens of a log come again and again. */
  readonly #recent = new Uint32Array(recentMask + 1);

  /** Adds the tokens of a stretch of whole records. Hot: each byte of each log passes here. */
  add(bytes: Uint8Array): void {
    const end = bytes.length;
    const kinds = classes;
    // Of a line whose escapes need a closer look all are read at once.
    let readTo = 0;
    for (let at = 0; at < end; ) {
      let kind = kinds[bytes[at] as number] as number;
      if (kind <= 1) {
        if (kind === 1 && at >= readTo) readTo = this.#escape(bytes, at);
        at++;
        continue;
      }
      const start = at;
      const limit = Math.min(end, start + tokenLengthMax);
      let hash = seed;
      while (kind > 1 && kind !== 255) {
        hash = Math.imul(hash ^ kind, prime);
        kind = ++at < limit ? (kinds[bytes[at] as number] as number) : 0;
      }
      const whole = at === end || (kinds[bytes[at] as number] as number) <= 1;
      if (whole) {
        this.#put(hash >>> 0);
        continue;
      }
      // Rare: text beyond ASCII, and tokens that are cut, line by line with the tokenizer itself.
      const newline = lineEnd(bytes, at);
      this.#text(bytes.subarray(start, newline));
      if (newline > readTo && bytes.subarray(at, newline).includes(backslash)) {
        this.#escapes(bytes, start, newline);
        readTo = newline;
      }
      at = newline;
    }
  }

  /** Notes something of the records; see `filterNotes`. */
  note(note: (typeof filterNotes)[keyof typeof filterNotes]): void {
    this.#put(hashOf(note));
  }

  /** The filter, as small as its tokens let it be; undefined when `bytesMax` is not enough for one that helps. */
  build(bytesMax: number): Uint8Array | undefined {
    let bits: Uint8Array = this.#bits;
    let share = filled(bits);
    for (;;) {
      const half = bits.length / 2;
      const needed = bits.length + 1 > bytesMax;
      if (half < bitmapBytesMin) break;
      const folded = bits.slice(0, half);
      for (let i = 0; i < half; i++) folded[i] = (folded[i] as number) | (bits[half + i] as number);
      const next = filled(folded);
      if (next > (needed ? fullestBits : foldedBits)) break;
      bits = folded;
      share = next;
    }
    if (share > fullestBits || bits.length + 1 > bytesMax) return undefined;
    return Buffer.concat([Uint8Array.of(functions + escapesRead), bits]);
  }

  /** What follows a backslash may be a letter of the escape, and not of the token behind it. Up to where it has read. */
  #escape(bytes: Uint8Array, at: number): number {
    const letter = bytes[at + 1] ?? 0;
    if ((classes[letter] as number) <= 1) return 0;
    if (letter === letterN || letter === letterT || letter === letterR) {
      if (this.#token(bytes, at + 2)) return 0;
    } else {
      this.note(filterNotes.odd);
      if (letter !== letterB && letter !== letterF && letter !== letterU) return 0;
      if (letter === letterU && separates(unitAt(bytes, at + 2)) && this.#token(bytes, at + 6)) return 0;
    }
    const newline = lineEnd(bytes, at);
    this.#escapes(bytes, bytes.lastIndexOf(0x0a, at) + 1, newline);
    return newline;
  }

  /** The token of ASCII that begins at `from`, if there is one; false where it needs a closer look. */
  #token(bytes: Uint8Array, from: number): boolean {
    const limit = Math.min(bytes.length, from + tokenLengthMax);
    let hash = seed;
    for (let at = from; at < limit; at++) {
      const kind = classes[bytes[at] as number] as number;
      if (kind === 255) return false;
      if (kind <= 1) {
        if (at > from) this.#put(hash >>> 0);
        return true;
      }
      hash = Math.imul(hash ^ kind, prime);
    }
    if (limit === bytes.length && limit > from) this.#put(hash >>> 0);
    return limit === bytes.length;
  }

  #escapes(bytes: Uint8Array, from: number, to: number): void {
    const { tokens, deep } = escapedTokens(textOf(bytes.subarray(from, to)));
    for (const token of tokens) this.#put(hashOf(token));
    if (deep) this.note(filterNotes.deep);
  }

  #text(bytes: Uint8Array): void {
    for (const { token } of tokenize(textOf(bytes))) this.#put(hashOf(token));
  }

  #put(hash: number): void {
    const slot = hash & recentMask;
    if (this.#recent[slot] === hash && hash !== 0) return;
    this.#recent[slot] = hash;
    const bits = this.#bits;
    const mask = bits.length * 8 - 1;
    let place = mixed(hash);
    const step = mixed(hash ^ 0x5bd1e995) | 1;
    for (let i = 0; i < functions; i++) {
      const bit = place & mask;
      bits[bit >>> 3] = (bits[bit >>> 3] as number) | (1 << (bit & 7));
      place = (place + step) | 0;
    }
  }
}

/** Whether an object may hold a token; anything that is no such filter says yes. */
export function mayHoldToken(filter: Uint8Array, token: string): boolean {
  const length = filter.length - 1;
  const known = filter[0] === functions || readsEscapes(filter);
  if (!known || length < bitmapBytesMin || (length & (length - 1)) !== 0) return true;
  const mask = length * 8 - 1;
  const hash = hashOf(token);
  let place = mixed(hash);
  const step = mixed(hash ^ 0x5bd1e995) | 1;
  for (let i = 0; i < functions; i++) {
    const bit = place & mask;
    if (((filter[1 + (bit >>> 3)] as number) & (1 << (bit & 7))) === 0) return false;
    place = (place + step) | 0;
  }
  return true;
}

/** Whether a filter has the tokens behind escapes, and notes. */
export function readsEscapes(filter: Uint8Array): boolean {
  return filter[0] === functions + escapesRead;
}

/** FNV-1a of the token's bytes. `token` is in lower case. */
function hashOf(token: string): number {
  let hash = seed;
  for (const byte of Buffer.from(token)) hash = Math.imul(hash ^ byte, prime);
  return hash >>> 0;
}

/** Spreads a hash over all bits (the end of MurmurHash3). */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The UTF-16 unit that four hexadecimal digits name; NaN, which separates nothing, for others. */
function unitAt(bytes: Uint8Array, at: number): number {
  const digits = textOf(bytes.subarray(at, at + 4));
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
}

function lineEnd(bytes: Uint8Array, at: number): number {
  const newline = bytes.indexOf(0x0a, at);
  return newline < 0 ? bytes.length : newline;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function filled(bits: Uint8Array): number {
  let set = 0;
  for (const byte of bits) set += ones[byte] as number;
  return set / (bits.length * 8);
}

const ones = new Uint8Array(256);
for (let i = 1; i < 256; i++) ones[i] = (ones[i >>> 1] as number) + (i & 1);
