import { separates, tokenize, tokenLengthMax } from '../query/tokenize.ts';

/**
 * A Bloom filter of the tokens in an object's records, read as UTF-8 and cut as core/src/query/tokenize.ts does. It never
 * denies a token that is there. The first byte is the number of hash functions, the rest is a bitmap, a power of two long.
 */
const functions = 5;
const bitmapBytesMin = 8;
/** Of a builder, and so of any filter. */
const bitmapBytesMax = 1024 * 1024;
/** A filter that is fuller says "perhaps" to nearly everything. */
const fullestBits = 0.7;
const foldedBits = 0.5;

/** What a byte is: 0 separates, 255 begins text beyond ASCII, anything else is the token's byte in lower case. */
const classes = new Uint8Array(256).fill(255);
for (let byte = 0; byte < 128; byte++) {
  classes[byte] = separates(byte) ? 0 : String.fromCharCode(byte).toLowerCase().charCodeAt(0);
}

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
    for (let at = 0; at < end; ) {
      let kind = kinds[bytes[at] as number] as number;
      if (kind === 0) {
        at++;
        continue;
      }
      const start = at;
      const limit = Math.min(end, start + tokenLengthMax);
      let hash = seed;
      while (kind !== 0 && kind !== 255) {
        hash = Math.imul(hash ^ kind, prime);
        kind = ++at < limit ? (kinds[bytes[at] as number] as number) : 0;
      }
      const whole = at === end || kinds[bytes[at] as number] === 0;
      if (whole) {
        this.#put(hash >>> 0);
        continue;
      }
      // Rare: text beyond ASCII, and tokens that are cut, line by line with the tokenizer itself.
      const newline = bytes.indexOf(0x0a, at);
      at = newline < 0 ? end : newline;
      this.#text(bytes.subarray(start, at));
    }
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
    return Buffer.concat([Uint8Array.of(functions), bits]);
  }

  #text(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    for (const { token } of tokenize(text)) this.#put(hashOf(token));
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
  if (filter[0] !== functions || length < bitmapBytesMin || (length & (length - 1)) !== 0) return true;
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

function filled(bits: Uint8Array): number {
  let set = 0;
  for (const byte of bits) set += ones[byte] as number;
  return set / (bits.length * 8);
}

const ones = new Uint8Array(256);
for (let i = 1; i < 256; i++) ones[i] = (ones[i >>> 1] as number) + (i & 1);
