import { closeSync, fstatSync, readv, readvSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import type { Exception } from '@millrace/core/wire/block.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { Shipped } from '../filter/filter.ts';
import type { EdgeProgram } from '../filter/program.ts';
import type { BlockBuilder } from '../gather/builder.ts';
import type { Lane } from '../gather/lane.ts';
import type { GenerationRow } from '../state/database.ts';
import type { CompressedContent } from './compressed-content.ts';
import { FileEncoding } from './file-encoding.ts';
import { fingerprint, fingerprintBytes, lastBytes, readAt } from './fingerprint.ts';
import { type Cut, cutRecords, lengthsUntil } from './framing.ts';
import type { FileIdentity } from './identity.ts';
import { ReadMarks } from './read-marks.ts';
import { SizeLimit } from './size-limit.ts';

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
  readonly #encoding: FileEncoding;
  readonly #edge: EdgeProgram | undefined;
  readonly #limit: SizeLimit | undefined;
  /** The file is compressed: offsets are those of its content. */
  readonly content: CompressedContent | undefined;
  readonly lane: Lane;
  readonly identity: FileIdentity;
  /** Tells it from every other file that is followed, see fileKey. */
  readonly key: string;
  /** See GenerationRow. */
  readonly reader: string;
  readonly fd: number;
  generation: Buffer;
  position: number;
  pending: Buffer = Buffer.alloc(0);
  head: Buffer;
  /** Up to 1 KiB before `position`. */
  tail: Buffer;
  oldUntil: number;
  oldMs: number;
  continues: boolean;
  /** Size when it was last looked at, intact. */
  size = 0;
  /** Monotonic time when bytes last came. */
  lastDataAt: number;
  /** Wall clock when bytes last came; undefined: not since the start. */
  lastReadMs: number | undefined;
  /** Something may have happened to it since its last turn. */
  touched = true;
  /** Modification time when it was last met by its path. */
  metMs = Number.NaN;
  /** The limit that keeps it from being read on. */
  limited: string | undefined;
  /** Monotonic time since when no path leads here. */
  goneSince: number | undefined;
  /** Its stored row is out of date although no block is on its way. */
  dirty = false;
  /** Whole records in `pending` wait for a block that has room for what filters make of them. */
  #held = false;
  /** Its descriptor may be another file's by now. */
  closed = false;
  /** Truncations met while the file was followed: another generation after each. */
  truncations = 0;
  /** Records that were dropped for their size and not reported yet. */
  #dropped: Exception[] = [];
  #interleaved = 0;
  readonly marks = new ReadMarks();
  /** Modification time of the content that was last seen to be the same. */
  #lookedAt = Number.NaN;

  constructor(from: {
    path: string;
    source: TailSource;
    tag: string;
    rule: string;
    edge: EdgeProgram | undefined;
    lane: Lane;
    identity: FileIdentity;
    key: string;
    reader: string;
    fd: number;
    generation: Buffer;
    position: number;
    head: Buffer;
    tail: Buffer;
    oldUntil: number;
    oldMs: number;
    /** What the stored row says of a record that was cut at `position`. */
    continues?: boolean;
    dropping?: boolean;
    content?: CompressedContent | undefined;
    now: number;
  }) {
    this.path = from.path;
    this.source = from.source;
    this.tag = from.tag;
    this.#encoding = new FileEncoding(from.source.rule.encoding, from.rule);
    this.content = from.content;
    const { maxLineBytes } = from.source;
    if (maxLineBytes !== undefined) this.#limit = new SizeLimit(maxLineBytes, from.dropping ?? false);
    this.#edge = this.#limit ? this.#limit.before(from.edge) : from.edge;
    this.continues = from.continues ?? false;
    this.lane = from.lane;
    this.identity = from.identity;
    this.key = from.key;
    this.reader = from.reader;
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

  /** Bytes of the content that is there now. */
  get contentSize(): number {
    return this.#stat().size;
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
    const stat = this.#stat();
    if (stat.size < this.readTo) return { kind: 'replaced', size: stat.size };
    const available = stat.size - this.readTo;
    if (available === 0 && !this.#held && (!final || this.pending.length === 0)) {
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
    const at = this.readTo - before.length;
    const bytesRead = await (this.content?.read(seen, chunk, at) ?? readBoth(this.fd, seen, chunk, at));
    if (bytesRead === undefined) return { kind: 'more', bytes: 0, cut: undefined };
    if (bytesRead < before.length || !seen.equals(before)) return { kind: 'replaced', size: stat.size };
    this.size = stat.size;
    const count = bytesRead - before.length;
    // Some file systems report more than can be read: what is not there is no reason to go on at once.
    const atEnd = count === available || (count === 0 && chunk.length > 0);
    const hole = this.truncations > 0 && before.length === 0 ? this.#skipHole(chunk.subarray(0, count)) : 0;
    const bytes = free.subarray(0, this.pending.length + count - hole);
    const cut = this.#gather(builder, bytes, room, nowMs, final && atEnd);
    return { kind: atEnd && !this.#held ? 'end' : 'more', bytes: count, cut };
  }

  /** Looks, without reading on, whether the file still holds what was read. */
  intact(): boolean {
    if (this.content) return true;
    if (fstatSync(this.fd).size < this.readTo) return false;
    const before = this.#before();
    return readAt(this.fd, this.readTo - before.length, before.length).equals(before);
  }

  /** Gathers what waits in memory as final records: the file's content is gone. False: the block is full. */
  gatherPending(builder: BlockBuilder, nowMs: number): boolean {
    if (this.pending.length === 0) return true;
    if (builder.room < this.pending.length && !builder.empty) return false;
    this.pending.copy(builder.free());
    this.#gather(builder, builder.free().subarray(0, this.pending.length), builder.room, nowMs, true, true);
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
    this.#limit?.forget();
    this.#encoding.forget();
    this.marks.forget();
    this.size = 0;
    this.truncations++;
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
      continues: this.continues,
      dropping: this.#limit?.dropping ?? false,
      reader: this.reader,
    };
  }

  /** Records dropped for their size since the last call. */
  takeDropped(): Exception[] {
    return this.#dropped.splice(0);
  }

  /** Container messages cut since the last call because lines of another stream stand among theirs. */
  takeInterleaved(): number {
    const count = this.#interleaved;
    this.#interleaved = 0;
    return count;
  }

  /** How long what waits for its end is waited for when nothing comes, milliseconds; 0: always. */
  get flushAfterMs(): number {
    const { framing, multilineFlushMs, partialFlushMs } = this.source;
    return framing.type !== 'newline' && this.#encoding.endsLine(this.pending)
      ? multilineFlushMs
      : partialFlushMs;
  }

  close(): void {
    this.closed = true;
    this.content?.close();
    closeSync(this.fd);
  }

  /** Nothing was added, but the file was written to: a truncated file can be refilled to the very same size. */
  #refilled(stat: Pick<Stats, 'mtimeMs'>, nowMs: number): boolean {
    if (stat.mtimeMs === this.#lookedAt) return false;
    // Within the clock's granularity the next write would not show in the time.
    this.#lookedAt = nowMs - stat.mtimeMs > racyMs ? stat.mtimeMs : Number.NaN;
    return !this.intact();
  }

  /** What must stand right before `readTo` if the content is still the same. */
  #before(): Buffer {
    if (this.pending.length === 0) return this.tail;
    return lastBytes(this.tail, this.pending, fingerprintBytes);
  }

  /**
   * A writer that does not append leaves a hole where a truncation took the bytes before its offset: NULs that nobody
   * wrote, maybe gigabytes. Only at the start of what follows a truncation; moves the rest to the chunk's start.
   */
  #skipHole(chunk: Buffer): number {
    if (chunk[0] !== 0) return 0;
    const first = chunk.findIndex((byte) => byte !== 0);
    // The first text can begin with a NUL where a code unit has two bytes.
    const wide = this.source.rule.encoding?.startsWith('utf-16') ? 1 : 0;
    const size = (first < 0 ? chunk.length : first) & ~wide;
    chunk.copyWithin(0, size);
    this.position += size;
    this.dirty = true;
    return size;
  }

  /** `lost`: no byte will follow, so even half of a code unit is a record. */
  #gather(
    builder: BlockBuilder,
    bytes: Buffer,
    room: number,
    nowMs: number,
    final: boolean,
    lost = this.goneSince !== undefined,
  ): RecordCut {
    const { cut, shipped } = this.#judge(this.#cut(bytes, room, final, lost), bytes, room, nowMs);
    const rest = bytes.subarray(cut.size);
    if (cut.size === 0) {
      this.pending = Buffer.from(rest);
      return undefined;
    }
    const from = this.position;
    const capturedMs = this.#capturedMs(nowMs);
    const taken = bytes.subarray(0, cut.size);
    if (this.head.length < fingerprintBytes && from === this.head.length) {
      this.head = Buffer.concat([this.head, taken.subarray(0, fingerprintBytes - this.head.length)]);
    }
    this.tail = lastBytes(this.tail, taken, fingerprintBytes);
    // The filler that the builder may add overwrites what follows, so the rest is copied first.
    this.pending = Buffer.from(rest);
    this.position = from + cut.size;
    this.marks.note(this.position, this.tail, nowMs);
    if (cut.continued && rest.length > 0) this.#held = true;
    const unterminated = final && !this.#encoding.endsLine(taken);
    const { generation, path, tag, continues } = this;
    this.continues = cut.continued || unterminated;
    this.#limit?.taken(this.continues);
    this.#interleaved += cut.interleaved ?? 0;
    const origin = { generation, path, tag, rule: this.#encoding.rule, from, capturedMs, continues };
    builder.add(origin, cut, this.row(), shipped);
    if (this.#limit?.dropping) return undefined;
    if (cut.continued) return 'long';
    return unterminated ? 'unterminated' : undefined;
  }

  #cut(bytes: Buffer, room: number, final: boolean, lost: boolean): Cut {
    const atStart = this.position === 0;
    const encoding = this.#encoding.decide(atStart ? bytes : this.head, atStart && !final);
    if (encoding === undefined) return { size: 0, continued: false };
    const cut = cutRecords(this.source.framing, bytes, room, final, encoding);
    const stray = final && lost && cut.size === 0 && bytes.length === 1 && encoding.unit === 2;
    return stray ? { size: 1, lengths: [1], continued: false } : cut;
  }

  /** What the filters leave of whole records; those that do not fit any more wait for the next block. */
  #judge(whole: Cut, bytes: Buffer, room: number, nowMs: number): { cut: Cut; shipped: Shipped | undefined } {
    this.#held = false;
    if (this.#edge === undefined || whole.size === 0) return { cut: whole, shipped: undefined };
    const { path, continues } = this;
    const capturedMs = this.#capturedMs(nowMs);
    const origin = {
      capturedMs,
      path,
      continues,
      continued: whole.continued,
      encoding: this.#encoding.known,
    };
    const records = bytes.subarray(0, whole.size);
    this.#limit?.begin();
    const { consumed, shipped } = this.#edge.apply(records, whole.lengths, this.position, origin, room);
    if (this.#limit && shipped)
      this.#dropped.push(...shipped.exceptions.filter((item) => item.by === SizeLimit.by));
    if (consumed === whole.size) return { cut: whole, shipped };
    this.#held = true;
    const lengths = whole.lengths ? { lengths: lengthsUntil(whole.lengths, consumed) } : {};
    return { cut: { size: consumed, continued: false, ...lengths }, shipped };
  }

  #stat(): Pick<Stats, 'size' | 'mtimeMs'> {
    return this.content ? { size: this.content.size, mtimeMs: 0 } : fstatSync(this.fd);
  }

  /** A file's time can be set before 1970; a block's can't. */
  #capturedMs(nowMs: number): number {
    return this.position < this.oldUntil ? Math.max(0, this.oldMs) : nowMs;
  }
}
