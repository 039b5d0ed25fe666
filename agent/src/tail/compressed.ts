import { closeSync, fstatSync, type Stats } from 'node:fs';
import { messageOf } from '@millrace/core/errors.ts';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { GenerationRow } from '../state/database.ts';
import { CompressedContent } from './compressed-content.ts';
import type { Compression } from './decompress.ts';
import type { TailedFile } from './file.ts';
import { fingerprint, fingerprintBytes, readAt } from './fingerprint.ts';
import type { FoundPath } from './found.ts';
import { Originals, type OriginalsOptions } from './originals.ts';
import { type Probe, type Proven, probe } from './probe.ts';

/** A compressor that has written nothing for this long may have finished. */
const quietMs = 500;
/** A file that breaks off and does not grow for this long is taken for what it is. */
const unfinishedMs = 60_000;
/** What waits for another file, or for a commit, is looked at again after this. */
const againMs = 250;
/** Files done with that are remembered. */
const doneMax = 10_000;

type Opening = Pick<
  TailedFile,
  'generation' | 'position' | 'head' | 'tail' | 'oldUntil' | 'oldMs' | 'continues'
> & { dropping: boolean; content: CompressedContent };

export interface CompressedOptions extends OriginalsOptions {
  clock: Clock;
  telemetry: AgentTelemetry;
  open(found: FoundPath, at: Opening): TailedFile;
  /** Stops following it and closes it. */
  drop(key: string): void;
  /** Files are all there is: nobody writes them any more. */
  once: boolean;
}

/** A compressed file on its way. */
interface Entry {
  key: string;
  found: FoundPath;
  compression: Compression;
  size: number;
  mtimeMs: number;
  changedAt: number;
  lookAt: number;
  /** Its size and time are watched, it is read through to be known, or it is followed. */
  phase: 'watched' | 'probed' | 'read';
  /** The agent has something to do about it before everything is read. */
  busy: boolean;
  /** It breaks off. */
  unfinished: boolean;
  /** What has to change before another look at its content is worth while. */
  waits: (() => 'wait' | 'look' | 'known') | undefined;
  closed: boolean;
}

/**
 * Compressed files that match a pattern (D3). What such a file holds is a generation like any other, and its offsets
 * are those of the content. Mostly it is the compressed form of a file that was read before it was compressed: then
 * that file's generation goes on in it, from where reading stopped, or has nothing left. It is told by content alone,
 * from one reading to the end, which also shows that the compressor has finished.
 */
export class CompressedFiles {
  readonly #options: CompressedOptions;
  readonly #clock: Clock;
  readonly #originals: Originals;
  readonly #entries = new Map<string, Entry>();
  /** Size and time of files that are done with, by key; the row says so to the next start. */
  readonly #done = new Map<string, { size: number; mtimeMs: number; row: GenerationRow }>();
  #probing = false;

  constructor(options: CompressedOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#originals = new Originals(options);
  }

  /** True when nothing has to be done about the file at a path that a scan met. */
  holds(key: string, stat: Stats): boolean {
    if (this.#entries.has(key)) return true;
    const done = this.#done.get(key);
    return done !== undefined && done.size === stat.size && done.mtimeMs === stat.mtimeMs;
  }

  /** Takes a file that a scan met, and its descriptor. `skip`: what it holds now is not asked for. */
  take(key: string, found: FoundPath, compression: Compression, skip: boolean): void {
    const { size, mtimeMs } = fstatSync(found.fd);
    const now = this.#clock.monotonic();
    const entry: Entry = {
      key,
      found,
      compression,
      size,
      mtimeMs,
      changedAt: now,
      lookAt: now,
      phase: 'watched',
      busy: true,
      unfinished: false,
      waits: undefined,
      closed: false,
    };
    // It may fail to be read: the descriptor is the caller's until then.
    const row = this.#doneRow(entry);
    this.#entries.set(key, entry);
    const before = this.#originals.stored.find((item) => isSameFile(item, row));
    if (before) this.#finish(entry, { ...row, id: before.id });
    else if (skip) this.#finish(entry, row);
  }

  /** A generation that no open file holds any more. */
  retire(row: GenerationRow): void {
    this.#originals.retire(row);
  }

  /** Goes on with every file on its way. */
  settle(stopping: boolean): void {
    const now = this.#clock.monotonic();
    for (const entry of [...this.#entries.values()]) {
      if (entry.phase === 'probed' || now < entry.lookAt) continue;
      try {
        this.#look(entry, now, stopping);
      } catch (error) {
        this.#fail(entry, error);
      }
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Files have to be looked at before it is known whether everything is read. */
  get busy(): boolean {
    return [...this.#entries.values()].some((entry) => entry.busy);
  }

  /** Rows that keep what is known of files that are done with. */
  rows(): GenerationRow[] {
    return [...this.#done.values()].map(({ row }) => row);
  }

  close(): void {
    for (const entry of [...this.#entries.values()]) this.#release(entry);
  }

  #look(entry: Entry, now: number, stopping: boolean): void {
    const { size, mtimeMs, nlink } = fstatSync(entry.found.fd);
    const changed = size !== entry.size || mtimeMs !== entry.mtimeMs;
    if (changed)
      Object.assign(entry, {
        size,
        mtimeMs,
        changedAt: now,
        unfinished: false,
        waits: undefined,
        busy: true,
      });
    const lost = (changed && entry.phase === 'read') || (nlink === 0 && entry.unfinished);
    if (lost) this.#release(entry);
    else if (entry.phase === 'read') this.#finishRead(entry, now);
    else if (!this.#waits(entry, now)) this.#probeWhenDue(entry, now, stopping);
  }

  /** True while nothing has changed that the file waits for, or when it need not be looked at again. */
  #waits(entry: Entry, now: number): boolean {
    if (entry.waits === undefined) return false;
    entry.lookAt = now + againMs;
    const state = entry.waits();
    if (state === 'known') this.#finish(entry, this.#doneRow(entry));
    if (state !== 'look') return true;
    entry.waits = undefined;
    entry.busy = true;
    return false;
  }

  #probeWhenDue(entry: Entry, now: number, stopping: boolean): void {
    const { once } = this.#options;
    const { unfinished } = entry;
    if (unfinished) entry.busy = once;
    const hurry = unfinished ? once : stopping;
    const quiet = now - entry.changedAt >= (unfinished ? unfinishedMs : quietMs);
    if ((!quiet && !hurry) || this.#probing) return;
    this.#probing = true;
    entry.phase = 'probed';
    void this.#probe(entry, unfinished);
  }

  /** `give`: what it holds is all that there will be, although it breaks off. */
  async #probe(entry: Entry, give: boolean): Promise<void> {
    const { found, compression } = entry;
    try {
      const result = await probe(found.fd, compression, this.#originals.candidates(found));
      entry.phase = 'watched';
      if (entry.closed) {
        closeSync(found.fd);
        return;
      }
      const { size, mtimeMs } = fstatSync(found.fd);
      // Written to meanwhile: what was read says nothing.
      if (size !== entry.size || mtimeMs !== entry.mtimeMs) return;
      if (result.damage?.kind === 'unfinished' && !give) {
        entry.unfinished = true;
        this.#options.telemetry.emit('compressed_unfinished', { path: found.path, size });
        return;
      }
      this.#decide(entry, result);
    } catch (error) {
      const closed = entry.closed && entry.phase === 'probed';
      entry.phase = 'watched';
      if (closed) closeSync(found.fd);
      else this.#fail(entry, error);
    } finally {
      this.#probing = false;
    }
  }

  #decide(entry: Entry, result: Probe): void {
    const original = this.#originals.open(entry.found, result);
    if (original && result.size > 0) {
      this.#waitForOriginal(entry, original, result.size);
      return;
    }
    const best = result.proven.find(({ row }) => this.#originals.stands(row, result.size) !== 'other');
    if (best && this.#originals.stands(best.row, result.size) === 'wait') {
      entry.waits = () => (this.#originals.stands(best.row, result.size) === 'wait' ? 'wait' : 'look');
      return;
    }
    if (result.damage) {
      const { message } = result.damage;
      const { path } = entry.found;
      this.#options.telemetry.emit('compressed_damaged', { path, decoded: result.size, error: message });
    }
    if (best?.row.position === result.size) this.#known(entry, best.row.path);
    else if (result.size === 0) this.#finish(entry, this.#doneRow(entry));
    else this.#read(entry, result, best);
  }

  /** That one is read to its end, unless it is truncated first: only then is there anything to read here. */
  #waitForOriginal(entry: Entry, original: TailedFile, size: number): void {
    const { generation, path } = original;
    entry.busy = false;
    entry.waits = () => {
      const open =
        [...this.#options.files.values()].includes(original) && original.generation.equals(generation);
      if (this.#originals.committed(generation) >= size) {
        this.#options.telemetry.emit('compressed_known', { path: entry.found.path, of: path });
        return 'known';
      }
      return open && original.intact() ? 'wait' : 'look';
    };
  }

  #read(entry: Entry, result: Probe, best: Proven | undefined): void {
    const { found } = entry;
    const { telemetry, open } = this.#options;
    const { path } = found;
    const { size } = result;
    const content = new CompressedContent(found.fd, entry.compression, size);
    entry.phase = 'read';
    entry.lookAt = this.#clock.monotonic();
    if (best) {
      const { id, position, oldUntil, oldMs, continues, dropping } = best.row;
      const head = result.head.subarray(0, Math.min(fingerprintBytes, position));
      const at = { generation: id, position, head, tail: best.tail, oldUntil, oldMs, continues, dropping };
      open(found, { ...at, content }).dirty = true;
      telemetry.emit('file_resumed', { path, position, size });
      return;
    }
    const none = Buffer.alloc(0);
    const start = { position: 0, head: none, tail: none, continues: false, dropping: false };
    const old = { oldUntil: size, oldMs: Math.round(entry.mtimeMs) };
    const file = open(found, { generation: mintGeneration(this.#clock), ...start, ...old, content });
    telemetry.emit('file_found', { path, tag: file.tag, size, position: 0 });
  }

  /** Everything is read: done with when it is committed as well. */
  #finishRead(entry: Entry, now: number): void {
    entry.lookAt = now + againMs;
    entry.busy = false;
    const file = this.#options.files.get(entry.key);
    if (file === undefined) {
      this.#release(entry);
      return;
    }
    if (file.position < file.contentSize || this.#originals.committed(file.generation) !== file.position)
      return;
    this.#finish(entry, this.#doneRow(entry));
  }

  #known(entry: Entry, of: string): void {
    this.#options.telemetry.emit('compressed_known', { path: entry.found.path, of });
    this.#finish(entry, this.#doneRow(entry));
  }

  #finish(entry: Entry, row: GenerationRow): void {
    const { key, size, mtimeMs } = entry;
    this.#options.outbox.save([row]);
    this.#done.set(key, { size, mtimeMs, row });
    const [oldest] = this.#done.keys();
    if (this.#done.size > doneMax && oldest !== undefined) this.#done.delete(oldest);
    this.#release(entry);
  }

  #fail(entry: Entry, error: unknown): void {
    this.#options.telemetry.emit('file_unreadable', { path: entry.found.path, error: messageOf(error) });
    this.#release(entry);
  }

  /** Its descriptor is closed by whoever has it under way. */
  #release(entry: Entry): void {
    if (entry.closed) return;
    entry.closed = true;
    this.#entries.delete(entry.key);
    if (entry.phase === 'watched') closeSync(entry.found.fd);
    else if (entry.phase === 'read' && this.#options.files.has(entry.key)) this.#options.drop(entry.key);
  }

  /** A row that stands for the compressed bytes themselves, all of them read. */
  #doneRow(entry: Entry): GenerationRow {
    const { fd, identity, path, reader } = entry.found;
    const head = readAt(fd, 0, Math.min(fingerprintBytes, entry.size));
    const tail = readAt(fd, entry.size - head.length, head.length);
    return {
      id: mintGeneration(this.#clock),
      path,
      ...identity,
      position: entry.size,
      headSize: head.length,
      headHash: fingerprint(head),
      tailSize: tail.length,
      tailHash: fingerprint(tail),
      oldUntil: entry.size,
      oldMs: Math.round(entry.mtimeMs),
      continues: false,
      dropping: false,
      reader,
    };
  }
}

function isSameFile(a: GenerationRow, b: GenerationRow): boolean {
  return (
    a.inode === b.inode &&
    a.position === b.position &&
    a.reader === b.reader &&
    a.headHash.equals(b.headHash) &&
    a.tailHash.equals(b.tailHash)
  );
}
