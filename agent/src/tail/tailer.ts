import { fstatSync } from 'node:fs';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Lane } from '../gather/lane.ts';
import type { Governor } from '../operate/governor.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { hotMs, type TailedFile } from './file.ts';
import type { FileFinder } from './finder.ts';
import { ReadLimits } from './limits.ts';
import { isRipe } from './ripe.ts';
import {
  type FileStatus,
  fileStatuses,
  lagBytes,
  readableBytes,
  type SeenGeneration,
  seenGenerations,
  seenOf,
  type Witness,
} from './status.ts';

export interface TailerOptions {
  finder: FileFinder;
  /** All that exist now. */
  lanes(): Lane[];
  torn: OutboxRow[];
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Read everything from its start to its end, then stop. */
  once: boolean;
  governor?: Governor | undefined;
  witness?: Witness | undefined;
}

/** How often hot files and folders are looked at, milliseconds. */
const tickMs = 100;
/** Longest rest between two passes. */
const restMsMax = 1_000;
/** Generations that no scan has met for this long are forgotten. */
const storedMs = 7 * 24 * 3600 * 1000;
const expireMs = 24 * 3600 * 1000;
/** Bytes a file may be read in its turn while other files have bytes too. */
const turnBytes = 1024 * 1024;

/** Reads the files that the finder follows, in turns, and gathers their records into the lanes' blocks. */
export class Tailer {
  readonly #options: TailerOptions;
  readonly #clock: Clock;
  readonly #finder: FileFinder;
  readonly #limits = new ReadLimits();
  /** Bytes read, by source id. */
  readonly #readBySource = new Map<string, number>();
  /** Files that have more than they may yield now. */
  #limited = 0;
  #nextExpiry = Number.POSITIVE_INFINITY;
  #stopping = false;
  #handover = false;
  #aborted = false;
  /** No limit holds: everything is to be read before the end. */
  #unlimited = false;
  #nextScan = Number.NEGATIVE_INFINITY;
  #wake = new AbortController();
  #nudged = false;
  /** Monotonic; in the past while it does not rest. */
  #restsUntil = Number.NEGATIVE_INFINITY;
  bytesRead = 0;
  /** Passes over the files, and files looked at: it stands still only when reading is stuck. */
  turns = 0;

  constructor(options: TailerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#finder = options.finder;
  }

  get openFiles(): number {
    return this.#finder.open.files.size;
  }

  /** Bytes that open files hold and that are in no block yet. */
  get lagBytes(): number {
    return lagBytes(this.#finder.open);
  }

  /** Bytes that open files hold, that are not read yet, and that no limit keeps from being read. */
  get readableBytes(): number {
    return readableBytes(this.#finder.open);
  }

  /** What is read under each source's id, bytes since the start; and what is not in a block yet. */
  *sources(): Generator<{ source: string; read: number; lag: number }> {
    const lags = new Map<string, number>();
    for (const { source, lag } of this.#finder.open.files.values())
      lags.set(source.id, (lags.get(source.id) ?? 0) + lag);
    for (const source of new Set([...lags.keys(), ...this.#readBySource.keys()]))
      yield { source, read: this.#readBySource.get(source) ?? 0, lag: lags.get(source) ?? 0 };
  }

  /** Every generation of a followed file, open or asleep. */
  seen(): SeenGeneration[] {
    return seenGenerations(this.#finder.open, (sleeper) => this.#finder.laneOf(sleeper));
  }

  /** Every followed file, open or asleep. */
  files(): FileStatus[] {
    return fileStatuses(this.#finder.open);
  }

  /**
   * Ends `run` after one more pass over all files. `final`: unfinished records are shipped as they are, and what a
   * limit keeps from being read stays in its file; `drain`: that is read too; `handover`: unfinished records are left
   * to the run that follows.
   */
  stop(how: 'final' | 'drain' | 'handover'): void {
    this.#stopping = true;
    this.#unlimited = how === 'drain';
    this.#handover = how === 'handover';
    // What came since the last scan is part of the last pass.
    this.#nextScan = Math.min(this.#nextScan, 0);
    this.nudge();
  }

  /** Runs until `stop`, or in `once` mode until everything is read. On return every record read is in a lane. */
  async run(): Promise<void> {
    const { lanes } = this.#options;
    while (!this.#aborted) {
      this.turns++;
      const last = this.#stopping || this.#options.once;
      if (this.#handover) {
        this.#saveDirty();
        if (lanes().every((lane) => lane.flush())) return;
        await this.#rest();
        continue;
      }
      this.#scan(last);
      const behind = await this.#readAll(last);
      for (const lane of lanes()) if ((last && behind.size === 0) || lane.dueInMs() <= 0) lane.flush();
      this.#closeDrained();
      this.#saveDirty();
      // A stopping agent leaves what it may not read yet where it is.
      const limited = this.#limited > 0 && !this.#stopping;
      const done = last && behind.size === 0 && !limited && !this.#finder.undecided;
      if (done && lanes().every((lane) => lane.flush())) return;
      // With nothing to wait for, reading goes on at once, but timers and sockets get their turn.
      if ([...behind].some((lane) => lane.builder)) await new Promise((resolve) => setImmediate(resolve));
      else await this.#rest();
    }
  }

  /** Ends `run` at once, with records unread (drain deadline). */
  abort(): void {
    this.#aborted = true;
    this.nudge();
  }

  /** Something changed that may let reading go on: a builder is free, the outbox has room. */
  nudge(): void {
    this.#nudged = true;
    this.#wake.abort();
  }

  /** Something was heard of a file or a folder: the next scan is not put off any longer. */
  stir(): void {
    if (this.#restsUntil > this.#nextScan) this.#wake.abort();
  }

  async #rest(): Promise<void> {
    for (;;) {
      const now = this.#clock.monotonic();
      const quietMs = this.#stopping || this.#options.once ? 0 : this.#finder.restMs(now);
      // Until the scan is due, not a tick from now: a timer can end early, and the scan would be late by a whole tick.
      const due = [
        Math.max(this.#nextScan - now, quietMs),
        ...this.#options.lanes().map((lane) => lane.dueInMs()),
      ];
      const wait = Math.max(1, Math.min(restMsMax, ...due));
      this.#restsUntil = now + wait;
      await this.#clock.sleep(wait, this.#wake.signal);
      this.#restsUntil = Number.NEGATIVE_INFINITY;
      if (!this.#wake.signal.aborted) return;
      this.#wake = new AbortController();
      if (!this.#nudged) continue;
      this.#nudged = false;
      return;
    }
  }

  #scan(last: boolean): void {
    const now = this.#clock.monotonic();
    if (now < this.#nextScan) return;
    const first = this.#nextScan === Number.NEGATIVE_INFINITY;
    this.#nextScan = now + tickMs;
    this.#finder.scan(last);
    if (first) this.#afterFirstScan();
    else if (now >= this.#nextExpiry) this.#expire(storedMs);
  }

  /** Files that are followed are met by every scan, however long nothing has come. */
  #expire(ageMs: number): void {
    this.#nextExpiry = this.#clock.monotonic() + expireMs;
    this.#options.outbox.save(this.#finder.keptRows());
    this.#options.outbox.expire(ageMs, this.#finder.metGenerations());
  }

  #afterFirstScan(): void {
    const { outbox, telemetry, torn } = this.#options;
    // The rewound positions are stored before the torn slots are given up.
    this.#saveDirty();
    for (const run of this.#finder.lostRuns())
      telemetry.emit('interval_lost', { ...run, bytes: run.to - run.from });
    outbox.acknowledge(torn.map((row) => row.seq));
    // What a copied store says of files that are not here proves nothing later either.
    this.#expire(outbox.suspicion === 'none' ? storedMs : 0);
    this.#finder.firstScanStored();
  }

  /** One turn of each file that may have bytes; the lanes of the files that have some left. */
  async #readAll(last: boolean): Promise<Set<Lane>> {
    const { files, active } = this.#finder.open;
    const behind = new Set<Lane>();
    this.#limited = 0;
    for (const file of last ? [...files.values()] : [...active]) {
      if (this.#aborted) break;
      const lane = file.lane;
      // Before it is looked at: what is heard from here on is for the next turn.
      file.touched = false;
      this.turns++;
      try {
        if (!(await this.#readTurn(file, lane, last))) this.#rested(file);
        else {
          behind.add(lane);
          // Behind those that did not get their turn because this one filled the block.
          if (active.delete(file) || last) active.add(file);
        }
      } catch (error) {
        // One file on a bad disk must not stop the others; it is tried again when it is met or heard of.
        this.#finder.open.retire(file);
        this.#finder.reportUnreadable(file.path, error);
      }
    }
    return behind;
  }

  /** A file without more to read leaves the active ones, unless it has to be looked at again. */
  #rested(file: TailedFile): void {
    const { open } = this.#finder;
    if (file.touched || file.dirty || file.limited !== undefined || file.pending.length > 0) return;
    if (open.isWatched(file)) open.retire(file);
    else if (this.#clock.monotonic() - file.lastDataAt > hotMs && !open.listen(file)) open.retire(file);
  }

  /** True when the file has more. */
  async #readTurn(file: TailedFile, lane: Lane, last: boolean): Promise<boolean> {
    const builder = lane.builder;
    if (builder === undefined) return true;
    const allowed = this.#allowed(file);
    file.limited = undefined;
    if ('waits' in allowed) {
      this.#wait(file, allowed.waits);
      return false;
    }
    const before = builder.free();
    const final = (last && !this.#handover) || isRipe(file, this.#clock.monotonic());
    const outcome = await file.read(builder, allowed.bytes, this.#clock.now(), final);
    if (outcome.kind === 'full') {
      lane.flush(true);
      return true;
    }
    if (outcome.kind === 'replaced') return this.#replaced(file, lane, outcome.size);
    this.#limits.spend(file, outcome.bytes, before.subarray(0, before.length - builder.free().length));
    this.bytesRead += outcome.bytes;
    this.#options.governor?.spend(outcome.bytes);
    const { id } = file.source;
    this.#readBySource.set(id, (this.#readBySource.get(id) ?? 0) + outcome.bytes);
    if (outcome.bytes > 0) {
      file.lastDataAt = this.#clock.monotonic();
      file.lastReadMs = this.#clock.now();
    }
    this.#report(file);
    const { path, position } = file;
    if (outcome.cut === 'long') this.#options.telemetry.emit('record_cut', { path, at: position });
    if (outcome.cut === 'unterminated')
      this.#options.telemetry.emit('partial_flushed', { path, at: position });
    return outcome.kind === 'more';
  }

  /** Also its end is not looked at: what is unread may complete the record that waits. */
  #wait(file: TailedFile, limit: string): void {
    const size = file.contentSize;
    // Looked at when it may be, even though no more is heard of it: it may hold something else by now.
    file.touched = true;
    if (size <= file.readTo) return;
    file.limited = limit;
    file.size = size;
    this.#limited++;
  }

  /** What may be read of the file now. The end of the agent is not the time for the agent's own limits. */
  #allowed(file: TailedFile): { bytes: number } | { waits: string } {
    if (this.#unlimited) return { bytes: turnBytes };
    const { governor } = this.#options;
    const own = governor && !this.#stopping ? governor.allow(turnBytes) : { bytes: turnBytes };
    return 'waits' in own ? own : this.#limits.allow(file, own.bytes, this.#clock.monotonic());
  }

  /** What became of records while the file was read. */
  #report(file: TailedFile): void {
    const { telemetry } = this.#options;
    const { path } = file;
    for (const { from, length, by } of file.takeDropped())
      telemetry.emit('record_dropped', { path, at: from, bytes: length, by });
    const count = file.takeInterleaved();
    if (count > 0) telemetry.emit('message_interleaved', { path, at: file.position, count });
  }

  /** The content changed under the position: true while there is work left. */
  #replaced(file: TailedFile, lane: Lane, size: number): boolean {
    const { telemetry } = this.#options;
    const copy = this.#finder.adoptCopy(file);
    if (copy) telemetry.emit('copy_adopted', { path: copy.path, of: file.path, position: file.position });
    if (!copy?.goesOn) {
      const builder = lane.builder;
      if (builder === undefined || !file.gatherPending(builder, this.#clock.now())) {
        lane.flush();
        return true;
      }
      this.#lose(file);
    }
    this.#finder.retire(file);
    telemetry.emit('file_truncated', { path: file.path, position: file.position, size });
    file.restart(mintGeneration(this.#clock), fstatSync(file.fd));
    file.lastDataAt = this.#clock.monotonic();
    return size > 0 || copy !== undefined;
  }

  /** Files that left their pattern: closed when nothing has come for rotate_wait and everything is gathered. */
  #closeDrained(): void {
    const now = this.#clock.monotonic();
    for (const file of this.#finder.open.leaving) {
      if (file.goneSince === undefined || file.pending.length > 0 || file.limited !== undefined) continue;
      const wait = file.source.rotateWaitMs;
      if (now - file.goneSince < wait || now - file.lastDataAt < wait) continue;
      try {
        this.#closeWhenRead(file);
      } catch (error) {
        // Its disk is bad, or the file is gone from a server: nothing will be read of it any more.
        this.#finder.reportUnreadable(file.path, error);
        this.#lose(file);
        this.#close(file, true);
      }
    }
  }

  #closeWhenRead(file: TailedFile): void {
    // A truncation that has not been dealt with says what a copy is.
    const unread = file.contentSize > file.readTo || !file.intact();
    if (unread || file.dirty) this.#finder.open.activate(file);
    else this.#close(file, fstatSync(file.fd).nlink === 0);
  }

  #close(file: TailedFile, deleted: boolean): void {
    this.#options.witness?.news(deleted ? 'deleted' : 'closed', seenOf(file));
    this.#finder.forget(file, deleted);
    const { path, position } = file;
    this.#options.telemetry.emit('file_closed', { path, position, deleted });
  }

  /** What was seen of it and not read is destroyed. */
  #lose(file: TailedFile): void {
    const { path, size, readTo } = file;
    if (size <= readTo) return;
    this.#options.telemetry.emit('bytes_destroyed', { path, from: readTo, to: size, bytes: size - readTo });
    this.#options.witness?.news('vanished', { ...seenOf(file), position: readTo });
  }

  /** Rows that changed without bytes: with the next block where one is on its way, else at once. */
  #saveDirty(): void {
    const rows: GenerationRow[] = [];
    for (const file of this.#finder.open.active) {
      if (!file.dirty) continue;
      const lane = file.lane;
      // Never a position before its block: what is gathered may still be lost.
      if (lane.idle) rows.push(file.row());
      else if (lane.builder && !lane.builder.empty) lane.builder.note(file.row());
      else continue;
      file.dirty = false;
    }
    if (rows.length > 0) this.#options.outbox.save(rows);
  }

  close(): void {
    this.#finder.close();
  }
}
