import { fstatSync, read } from 'node:fs';
import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '@millrace/core/errors.ts';
import { readAt } from './fingerprint.ts';

export type Compression = 'gzip' | 'zstd';

/** Why a compressed file's content ends before its own end says so. */
export interface Damage {
  /** `unfinished`: it breaks off, as one does that is still being written. */
  kind: 'unfinished' | 'corrupt';
  message: string;
}

const readBytes = promisify(read);
const pieceBytes = 32 * 1024;
/** Pieces by which damage is found ever more closely. */
const finerBytes = [1024, 32, 1];

const formats: { name: RegExp; magic: Buffer; compression: Compression }[] = [
  { name: /\.gz$/i, magic: Buffer.from([0x1f, 0x8b]), compression: 'gzip' },
  { name: /\.zstd?$/i, magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), compression: 'zstd' },
];

/** How a file is compressed: both its name and its first bytes have to say so. */
export function compressionOf(path: string, fd: number): Compression | undefined {
  const format = formats.find(({ name }) => name.test(path));
  if (format === undefined) return undefined;
  const start = readAt(fd, 0, format.magic.length);
  return format.magic.subarray(0, start.length).equals(start) ? format.compression : undefined;
}

/**
 * The content of a compressed file, from its start, in chunks: all members of a gzip file, all frames of a zstd file.
 * Returns the damage that ended it early; what could be decoded before that was yielded, the same in every reading.
 */
export async function* decompressed(
  fd: number,
  compression: Compression,
): AsyncGenerator<Buffer, Damage | undefined> {
  let frame = 0;
  while (true) {
    const size = fstatSync(fd).size;
    const reading = new Reading(fd, compression, frame);
    let produced = 0;
    try {
      for await (const chunk of reading.chunks()) {
        produced += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (isUnfinished(error)) return { kind: 'unfinished', message: messageOf(error) };
      yield* decodeToDamage(fd, compression, frame, reading, produced);
      return { kind: 'corrupt', message: messageOf(error) };
    }
    frame += reading.consumed;
    // Node's decoder for zstd ends with the first frame; the one for gzip reads all members.
    if (compression === 'gzip' || frame >= size || reading.consumed === 0) return undefined;
  }
}

/**
 * A decoder drops what a piece yields before the damage in it: the last pieces are read again in smaller and smaller
 * ones.
 */
async function* decodeToDamage(
  fd: number,
  compression: Compression,
  frame: number,
  coarse: Reading,
  known: number,
): AsyncGenerator<Buffer> {
  let before = coarse;
  let done = known;
  for (const size of finerBytes) {
    const reading = new Reading(fd, compression, frame, { from: before.doubtFrom, size });
    let at = 0;
    try {
      for await (const chunk of reading.chunks()) {
        if (at + chunk.length > done) yield chunk.subarray(Math.max(0, done - at));
        at += chunk.length;
        done = Math.max(done, at);
      }
    } catch {
      // The damage that is known already.
    }
    before = reading;
  }
}

/** One decoder's work on the file, from `from` on; from `fine.from` on in smaller pieces. */
class Reading {
  readonly #fd: number;
  readonly #from: number;
  readonly #fine: { from: number; size: number };
  readonly #decoder: Transform & { bytesWritten: number };
  /** Everything before here was decoded when the last piece was handed on. */
  doubtFrom: number;

  constructor(
    fd: number,
    compression: Compression,
    from: number,
    fine = { from: Number.POSITIVE_INFINITY, size: pieceBytes },
  ) {
    this.#fd = fd;
    this.#from = from;
    this.doubtFrom = from;
    this.#fine = fine;
    this.#decoder = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  }

  /** Bytes of the file that belong to what was decoded. */
  get consumed(): number {
    return this.#decoder.bytesWritten;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    const decoder = this.#decoder;
    // What it throws it throws through the decoder.
    this.#feed().catch((error: unknown) => decoder.destroy(error as Error));
    try {
      for await (const chunk of decoder) yield chunk as Buffer;
    } finally {
      decoder.destroy();
    }
  }

  async #feed(): Promise<void> {
    const { from, size } = this.#fine;
    for (let at = this.#from; !this.#decoder.destroyed; ) {
      const wanted = at < from ? Math.min(pieceBytes, from - at) : size;
      const piece = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await readBytes(this.#fd, piece, 0, wanted, at);
      if (bytesRead === 0) break;
      this.doubtFrom = at;
      await this.#write(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
    this.#decoder.end();
  }

  #write(piece: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#decoder.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function isUnfinished(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR';
}
