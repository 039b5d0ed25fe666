import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';

/**
 * Where blocks lie on disk between being built and being acknowledged (D4). Extents are multiples of 4 KiB. The disk's
 * promise of space is had by writing zeros; for gigabytes that takes a while, so it is asked for step by step
 * (`promise`), and blocks are written wherever there is room meanwhile.
 */
export class SlotFile {
  readonly #fd: number;
  readonly #capacity: number;
  /** Extents in use: start → length, bytes. */
  readonly #used = new Map<number, number>();
  /** Extents between them, sorted by start, none next to another. */
  #holes: Extent[];
  #usedBytes = 0;
  /** Up to here the disk has promised the space. */
  #promised: number;

  constructor(path: string, capacity: number) {
    this.#capacity = Math.floor(capacity / granule) * granule;
    this.#holes = this.#capacity > 0 ? [{ at: 0, length: this.#capacity }] : [];
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
    this.#promised = this.#readPromised();
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get promisedBytes(): number {
    return this.#promised;
  }

  /** Bytes that the disk has not promised yet. */
  get unpromisedBytes(): number {
    return Math.max(0, this.#capacity - this.#promised);
  }

  /**
   * Has the disk promise some more space. Call it until `unpromisedBytes` is 0.
   * @throws when the disk is full; blocks are then written as long as it lasts
   */
  promise(): void {
    const from = this.#promised;
    const to = Math.min(this.#capacity, from + promiseStep);
    // What holds a block is there already.
    for (const hole of this.#holesIn(from, to)) {
      try {
        for (let at = hole.at; at < hole.at + hole.length; )
          at += writeSync(this.#fd, zeros, 0, hole.at + hole.length - at, headerSize + at);
      } catch (error) {
        // The last room on the disk is for the position store.
        const used = [...this.#used].map(([at, length]) => at + length);
        ftruncateSync(
          this.#fd,
          headerSize +
            Math.max(
              from,
              used.reduce((a, b) => Math.max(a, b), 0),
            ),
        );
        throw error;
      }
    }
    this.#promised = to;
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(BigInt(to));
    writeSync(this.#fd, count, 0, count.length, promisedAt);
  }

  /** Marks an extent as in use, for rows found at start. */
  occupy(at: number, size: number): void {
    this.#take(at, roundUp(size));
  }

  /** Writes a block into the first hole of a region that holds it; undefined when there is none. */
  write(bytes: Uint8Array, region: Region = { from: 0, to: this.#capacity }): number | undefined {
    const length = roundUp(bytes.length);
    const to = Math.min(region.to, this.#capacity);
    let at: number | undefined;
    for (let index = this.#holeAt(region.from); index < this.#holes.length; index++) {
      const hole = this.#holes[index] as Extent;
      if (hole.at + length > to) break;
      const start = Math.max(hole.at, roundUp(region.from));
      if (start + length > Math.min(hole.at + hole.length, to)) continue;
      at = start;
      break;
    }
    if (at === undefined) return undefined;
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#fd, bytes, written, bytes.length - written, headerSize + at + written);
    }
    this.#take(at, length);
    return at;
  }

  /** Into `into` where it is given and large enough. */
  read(at: number, size: number, into?: Buffer): Buffer {
    const bytes = into && into.length >= size ? into.subarray(0, size) : Buffer.alloc(size);
    let done = 0;
    while (done < size) {
      const count = readSync(this.#fd, bytes, done, size - done, headerSize + at + done);
      if (count === 0) break;
      done += count;
    }
    return bytes;
  }

  free(at: number): void {
    const length = this.#used.get(at);
    if (length === undefined) return;
    this.#used.delete(at);
    this.#usedBytes -= length;
    // A slot of a larger outbox that there was before: its place is not used again.
    const end = Math.min(at + length, this.#capacity);
    if (end <= at) return;
    const index = this.#holeAt(at);
    const hole = { at, length: end - at };
    const before = this.#holes[index - 1];
    const after = this.#holes[index];
    const joinsBefore = before !== undefined && before.at + before.length === at;
    const joinsAfter = after !== undefined && after.at === end;
    if (joinsBefore) Object.assign(hole, { at: before.at, length: before.length + hole.length });
    if (joinsAfter) hole.length += after.length;
    this.#holes.splice(index - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), hole);
  }

  /** Returns when what was written is on the disk. */
  sync(): void {
    fdatasyncSync(this.#fd);
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

  #readPromised(): number {
    const count = Buffer.alloc(8);
    readSync(this.#fd, count, 0, count.length, promisedAt);
    const noted = Number(count.readBigUInt64LE(0));
    if (noted > 0) return noted;
    // Earlier versions wrote the whole file before anything else.
    const isOld = fstatSync(this.#fd).size >= headerSize + this.#capacity;
    return isOld ? this.#capacity : 0;
  }

  /** Takes an extent out of the holes. */
  #take(at: number, length: number): void {
    this.#used.set(at, length);
    this.#usedBytes += length;
    const index = this.#holeAt(at);
    const hole = this.#holes[index];
    const end = at + length;
    if (hole === undefined || hole.at >= end) return;
    const holeEnd = hole.at + hole.length;
    const rest: Extent[] = [];
    if (at > hole.at) rest.push({ at: hole.at, length: at - hole.at });
    if (end < holeEnd) rest.push({ at: end, length: holeEnd - end });
    this.#holes.splice(index, 1, ...rest);
  }

  /** Index of the first hole that begins at or after `at`, or reaches beyond it. */
  #holeAt(at: number): number {
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const hole = this.#holes[middle] as Extent;
      if (hole.at + hole.length <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The parts of holes that lie in a stretch. */
  #holesIn(from: number, to: number): Extent[] {
    const parts: Extent[] = [];
    for (let index = this.#holeAt(from); index < this.#holes.length; index++) {
      const hole = this.#holes[index] as Extent;
      if (hole.at >= to) break;
      const at = Math.max(hole.at, from);
      parts.push({ at, length: Math.min(hole.at + hole.length, to) - at });
    }
    return parts;
  }
}

/** A part of the slot file, bytes. */
export interface Region {
  from: number;
  to: number;
}

interface Extent {
  at: number;
  length: number;
}

const granule = 4096;
const headerSize = 4096;
const headerUsed = 48;
/** Where in the header the count of promised bytes stands. */
const promisedAt = 48;
const promiseStep = 1024 * 1024;
const zeros = Buffer.alloc(promiseStep);
const magic = 'MRO1';

function roundUp(size: number): number {
  return Math.ceil(size / granule) * granule;
}
