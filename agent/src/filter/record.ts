import {
  asciiText,
  compileDecoder,
  type Decode,
  isUtf8,
  withoutTerminator,
} from '@millrace/core/parse/encoding.ts';

/** How a source's bytes are text. */
export interface RecordEncoding {
  /** WHATWG label; undefined is UTF-8. */
  label: string | undefined;
  decode: Decode;
}

/** Bytes of whole records. */
export interface Chunk {
  bytes: Buffer;
  capturedMs: number;
  path: string;
  encoding: RecordEncoding;
}

/**
 * A whole record, or a piece of one that was cut at the size limit. One object stands for the records of a chunk, one
 * after another; bytes and text are made when they are asked for.
 */
export class EdgeRecord {
  /** Changes whenever the object stands for something else. */
  serial = 0;
  /** Part of a record over the size limit: it has no fields. */
  piece = false;
  #chunk: Chunk;
  #whole: Buffer;
  #start = 0;
  #end = 0;
  #bytes: Buffer | undefined;
  #text: string | undefined;
  /** The chunk as one string, where that is the same; null: it is not. */
  #ascii: string | null | undefined;

  constructor(chunk: Chunk) {
    this.#chunk = chunk;
    this.#whole = chunk.bytes;
  }

  get capturedMs(): number {
    return this.#chunk.capturedMs;
  }

  get path(): string {
    return this.#chunk.path;
  }

  get encoding(): RecordEncoding {
    return this.#chunk.encoding;
  }

  get size(): number {
    return this.#end - this.#start;
  }

  /** Terminator included. */
  get bytes(): Buffer {
    this.#bytes ??= this.#whole.subarray(this.#start, this.#end);
    return this.#bytes;
  }

  /** Decoded, without the terminator: what the consumer will read. */
  get text(): string {
    this.#text ??= this.#decoded();
    return this.#text;
  }

  /** Stands for the chunk's bytes from `start` to `end`. */
  moveTo(start: number, end: number, piece: boolean): void {
    this.#whole = this.#chunk.bytes;
    this.#set(start, end);
    this.piece = piece;
  }

  /** Stands for what a filter has made of it. */
  replace(bytes: Buffer): void {
    this.#whole = bytes;
    this.#set(0, bytes.length);
  }

  #set(start: number, end: number): void {
    this.serial++;
    this.#start = start;
    this.#end = end;
    this.#bytes = undefined;
    this.#text = undefined;
  }

  #decoded(): string {
    const ascii = this.#whole === this.#chunk.bytes ? this.#asciiChunk() : null;
    if (ascii !== null) return withoutTerminator(ascii.slice(this.#start, this.#end));
    return withoutTerminator(this.encoding.decode(this.#whole, this.#start, this.#end));
  }

  #asciiChunk(): string | null {
    const { encoding, bytes } = this.#chunk;
    this.#ascii ??= isUtf8(encoding.label) ? (asciiText(bytes) ?? null) : null;
    return this.#ascii;
  }
}

const encodings = new Map<string, RecordEncoding>();

/** @throws MillraceError RULE_INVALID for a label that does not exist */
export function recordEncoding(label: string | undefined): RecordEncoding {
  const known = encodings.get(label ?? '');
  if (known) return known;
  const encoding = { label: isUtf8(label) ? undefined : label, decode: compileDecoder(label) };
  encodings.set(label ?? '', encoding);
  return encoding;
}
