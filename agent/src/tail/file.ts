import { closeSync, fstatSync, readv, readvSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import type { TailSource } from '../config/pipeline.ts';
import type { BlockBuilder } from '../gather/builder.ts';
import type { GenerationRow } from '../state/database.ts';
import { fingerprint, fingerprintBytes, readAt } from './fingerprint.ts';
import { cutRecords } from './framing.ts';
import type { FileIdentity } from './identity.ts';

const readVector = promisify(readv);

/**
 * Reads `first`, then `second`. A few fresh bytes are in the page cache and cost less than a thread's wake-up; more may
 * have to come from a slow disk, which must not stop everything else.
 */
async function readBoth(fd: number, first: Buffer, second: Buffer, at: number): Promise<number> {
  if (second.length <= readBytesMin) return readvSync(fd, [first, second], at);
  return (await readVector(fd, [first, second], at)).bytesRead;
}

/** Reads of less than this are not worth a system call while more is waiting: the block is closed first. */
const readBytesMin = 64 * 1024;

/** A change this recent may be followed by another within the granularity of modification times. */
export const racyMs = 100;

/** A file is hot, and looked at every tick, for this long after bytes came. */
export const hotMs = 10_000;

/** A record that ended before its terminator came: at the size limit, or because no more was waited for. */
type RecordCut = 'long' | 'unterminated' | undefined;

export type ReadOutcome =
  /** At the end of the file (records may wait for their end). */
  | { kind: 'end'; bytes: number; cut: RecordCut }
  /** More is there. */
  | { kind: 'more'; bytes: number; cut: RecordCut }
  /** The block has to be closed before this file can be read on. */
  | { kind: 'full' }
  /** The content is not what was read before: shorter, or other bytes. */
  | { kind: 'replaced'; size: number };

/**
 * One open file and the one generation of it that is being read. `position` is where gathered records end; bytes read
 * beyond it wait in `pending` for the end of their record, so that a truncation cannot take them.
 */
export class TailedFile {
  path: string;
  readonly source: TailSource;
  readonly tag: string;
  readonly rule: string;
  readonly identity: FileIdentity;
  readonly fd: number;
  generation: Buffer;
  position: number;
  pending: Buffer = Buffer.alloc(0);
  head: Buffer;
  /** Up to 1 KiB before `position`. */
  tail: Buffer;
  oldUntil: number;
  oldMs: number;
  continues = false;
  /** Size when it was last looked at, intact. */
  size = 0;
  /** Monotonic time when bytes last came. */
  lastDataAt: number;
  /** Monotonic time since when no path leads here. */
  goneSince: number | undefined;
  /** Its stored row is out of date although no block is on its way. */
  dirty = false;
  /** The generation began with a truncation while the file was followed. */
  #truncated = false;
  /** Modification time of the content that was last seen to be the same. */
  #lookedAt = Number.NaN;

  constructor(from: {
    path: string;
    source: TailSource;
    tag: string;
    rule: string;
    identity: FileIdentity;
    fd: number;
    generation: Buffer;
    position: number;
    head: Buffer;
    tail: Buffer;
    oldUntil: number;
    oldMs: number;
    now: number;
  }) {
    this.path = from.path;
    this.source = from.source;
    this.tag = from.tag;
    this.rule = from.rule;
    this.identity = from.identity;
    this.fd = from.fd;
    this.generation = from.generation;
    this.position = from.position;
    this.head = from.head;
    this.tail = from.tail;
    this.oldUntil = from.oldUntil;
    this.oldMs = from.oldMs;
    this.lastDataAt = from.now;
  }

  /** Offset of the next byte to read. */
  get readTo(): number {
    return this.position + this.pending.length;
  }

  /** Bytes that the file had and that are not gathered yet. */
  get lag(): number {
    return Math.max(0, this.size - this.position);
  }

  /**
   * Reads what the builder takes, at most `bytesMax`, and gathers the whole records among it. `final`: what is at the
   * end is a record, terminated or not.
   */
  async read(builder: BlockBuilder, bytesMax: number, nowMs: number, final: boolean): Promise<ReadOutcome> {
    const stat = fstatSync(this.fd);
    if (stat.size < this.readTo) return { kind: 'replaced', size: stat.size };
    const available = stat.size - this.readTo;
    if (available === 0 && (!final || this.pending.length === 0)) {
      if (this.#refilled(stat, nowMs)) return { kind: 'replaced', size: stat.size };
      this.size = stat.size;
      return { kind: 'end', bytes: 0, cut: undefined };
    }
    const room = builder.room;
    const wanted = Math.min(available, bytesMax);
    if (room < this.pending.length + Math.min(wanted, readBytesMin) && !builder.empty)
      return { kind: 'full' };
    const free = builder.free();
    this.pending.copy(free);
    const before = this.#before();
    const seen = Buffer.allocUnsafe(before.length);
    const chunk = free.subarray(this.pending.length, Math.min(this.pending.length + wanted, room));
    const bytesRead = await readBoth(this.fd, seen, chunk, this.readTo - before.length);
    if (bytesRead < before.length || !seen.equals(before)) return { kind: 'replaced', size: stat.size };
    this.size = stat.size;
    const count = bytesRead - before.length;
    // Some file systems report more than can be read: what is not there is no reason to go on at once.
    const atEnd = count === available || (count === 0 && chunk.length > 0);
    const hole = this.#truncated && before.length === 0 ? this.#skipHole(chunk.subarray(0, count)) : 0;
    const bytes = free.subarray(0, this.pending.length + count - hole);
    const cut = this.#gather(builder, bytes, room, nowMs, final && atEnd);
    return { kind: atEnd ? 'end' : 'more', bytes: count, cut };
  }

  /** Looks, without reading on, whether the file still holds what was read. */
  intact(): boolean {
    if (fstatSync(this.fd).size < this.readTo) return false;
    const before = this.#before();
    return readAt(this.fd, this.readTo - before.length, before.length).equals(before);
  }

  /** Gathers what waits in memory as final records: the file's content is gone. False: the block is full. */
  gatherPending(builder: BlockBuilder, nowMs: number): boolean {
    if (this.pending.length === 0) return true;
    if (builder.room < this.pending.length && !builder.empty) return false;
    this.pending.copy(builder.free());
    this.#gather(builder, builder.free().subarray(0, this.pending.length), builder.room, nowMs, true);
    return this.pending.length === 0;
  }

  /** Starts another generation at the file's start. */
  restart(generation: Buffer, stat: { size: number; mtimeMs: number }): void {
    this.generation = generation;
    this.position = 0;
    this.pending = Buffer.alloc(0);
    this.head = Buffer.alloc(0);
    this.tail = Buffer.alloc(0);
    this.oldUntil = stat.size;
    this.oldMs = Math.round(stat.mtimeMs);
    this.continues = false;
    this.size = 0;
    this.#truncated = true;
  }

  row(): GenerationRow {
    return {
      id: this.generation,
      path: this.path,
      ...this.identity,
      position: this.position,
      headSize: this.head.length,
      headHash: fingerprint(this.head),
      tailSize: this.tail.length,
      tailHash: fingerprint(this.tail),
      oldUntil: this.oldUntil,
      oldMs: this.oldMs,
    };
  }

  close(): void {
    closeSync(this.fd);
  }

  /** Nothing was added, but the file was written to: a truncated file can be refilled to the very same size. */
  #refilled(stat: Stats, nowMs: number): boolean {
    if (stat.mtimeMs === this.#lookedAt) return false;
    // Within the clock's granularity the next write would not show in the time.
    this.#lookedAt = nowMs - stat.mtimeMs > racyMs ? stat.mtimeMs : Number.NaN;
    return !this.intact();
  }

  /** What must stand right before `readTo` if the content is still the same. */
  #before(): Buffer {
    if (this.pending.length === 0) return this.tail;
    return lastBytes(this.tail, this.pending);
  }

  /**
   * A writer that does not append leaves a hole where a truncation took the bytes before its offset: NULs that nobody
   * wrote, maybe gigabytes. Only at the start of what follows a truncation; moves the rest to the chunk's start.
   */
  #skipHole(chunk: Buffer): number {
    if (chunk[0] !== 0) return 0;
    const first = chunk.findIndex((byte) => byte !== 0);
    const size = first < 0 ? chunk.length : first;
    chunk.copyWithin(0, size);
    this.position += size;
    this.dirty = true;
    return size;
  }

  #gather(builder: BlockBuilder, bytes: Buffer, room: number, nowMs: number, final: boolean): RecordCut {
    const cut = cutRecords(this.source.framing, bytes, room, final);
    const rest = bytes.subarray(cut.size);
    if (cut.size > 0) {
      const from = this.position;
      const taken = bytes.subarray(0, cut.size);
      if (this.head.length < fingerprintBytes && from === this.head.length) {
        this.head = Buffer.concat([this.head, taken.subarray(0, fingerprintBytes - this.head.length)]);
      }
      this.tail = lastBytes(this.tail, taken);
      // The filler that the builder may add overwrites what follows, so the rest is copied first.
      this.pending = Buffer.from(rest);
      this.position = from + cut.size;
      const { generation, path, tag, rule, continues } = this;
      // A file's time can be set before 1970; a block's can't.
      const capturedMs = from < this.oldUntil ? Math.max(0, this.oldMs) : nowMs;
      builder.add({ generation, path, tag, rule, from, capturedMs, continues }, cut, this.row());
      const unterminated = final && taken.at(-1) !== 0x0a;
      this.continues = cut.continued || unterminated;
      if (cut.continued) return 'long';
      return unterminated ? 'unterminated' : undefined;
    }
    this.pending = Buffer.from(rest);
    return undefined;
  }
}

/** The last bytes of `a` followed by `b`, as many as a fingerprint takes, in memory of their own. */
function lastBytes(a: Buffer, b: Buffer): Buffer {
  if (b.length >= fingerprintBytes) return Buffer.from(b.subarray(b.length - fingerprintBytes));
  return Buffer.from(Buffer.concat([a, b]).subarray(-fingerprintBytes));
}
