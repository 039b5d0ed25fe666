import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/** Where blocks lie on disk between being built and being acknowledged (D4). Extents are multiples of 4 KiB. */
export class SlotFile {
  readonly #fd: number;
  readonly #capacity: number;
  /** Extents in use: start → length, both in bytes, kept sorted by start. */
  readonly #used: { at: number; length: number }[] = [];
  #usedBytes = 0;

  /** Opens or makes the file and writes zeros up to `capacity`, so that a full disk shows now and not later. */
  constructor(path: string, capacity: number) {
    this.#capacity = Math.floor(capacity / granule) * granule;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
    const zeros = Buffer.alloc(1024 * 1024);
    const wanted = headerSize + this.#capacity;
    for (let at = fstatSync(this.#fd).size; at < wanted; ) {
      at += writeSync(this.#fd, zeros, 0, Math.min(zeros.length, wanted - at), at);
    }
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Marks an extent as in use, for rows found at start. */
  occupy(at: number, size: number): void {
    const length = roundUp(size);
    const index = this.#used.findIndex((extent) => extent.at > at);
    this.#used.splice(index < 0 ? this.#used.length : index, 0, { at, length });
    this.#usedBytes += length;
  }

  /** Writes a block into the first hole of a region that holds it; undefined when there is none. */
  write(bytes: Uint8Array, region: Region = { from: 0, to: this.#capacity }): number | undefined {
    const length = roundUp(bytes.length);
    let at = roundUp(region.from);
    let index = 0;
    for (const extent of this.#used) {
      if (extent.at - at >= length) break;
      at = Math.max(at, extent.at + extent.length);
      index++;
    }
    if (at + length > Math.min(region.to, this.#capacity)) return undefined;
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#fd, bytes, written, bytes.length - written, headerSize + at + written);
    }
    this.#used.splice(index, 0, { at, length });
    this.#usedBytes += length;
    return at;
  }

  read(at: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    let done = 0;
    while (done < size) {
      const count = readSync(this.#fd, bytes, done, size - done, headerSize + at + done);
      if (count === 0) break;
      done += count;
    }
    return bytes;
  }

  free(at: number): void {
    const index = this.#used.findIndex((extent) => extent.at === at);
    if (index < 0) return;
    this.#usedBytes -= this.#used[index]?.length ?? 0;
    this.#used.splice(index, 1);
  }

  /** The last commit number written beside the blocks: an older store than this was restored from a copy. */
  readCommits(storeId: string): number | undefined {
    const header = Buffer.alloc(headerUsed);
    readSync(this.#fd, header, 0, headerUsed, 0);
    if (header.toString('latin1', 0, 4) !== magic || header.toString('latin1', 4, 40) !== storeId)
      return undefined;
    return Number(header.readBigUInt64LE(40));
  }

  writeCommits(storeId: string, commits: number): void {
    const header = Buffer.alloc(headerUsed);
    header.write(magic, 0, 'latin1');
    header.write(storeId, 4, 36, 'latin1');
    header.writeBigUInt64LE(BigInt(commits), 40);
    writeSync(this.#fd, header, 0, headerUsed, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A part of the slot file, bytes. */
export interface Region {
  from: number;
  to: number;
}

const granule = 4096;
const headerSize = 4096;
const headerUsed = 48;
const magic = 'MRO1';

function roundUp(size: number): number {
  return Math.ceil(size / granule) * granule;
}
