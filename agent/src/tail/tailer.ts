import { fstatSync } from 'node:fs';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Lane } from '../gather/lane.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { hotMs, type TailedFile } from './file.ts';
import type { FileFinder } from './finder.ts';

export interface TailerOptions {
  finder: FileFinder;
  laneOf(tag: string): Lane | undefined;
  lanes: Lane[];
  torn: OutboxRow[];
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Read everything from its start to its end, then stop. */
  once: boolean;
}

/** How often hot files and folders are looked at, milliseconds. */
const tickMs = 100;
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
  #nextQuietCheck = 0;
  #nextExpiry = Number.POSITIVE_INFINITY;
  #stopping = false;
  #aborted = false;
  #nextScan = Number.NEGATIVE_INFINITY;
  #wake = new AbortController();
  bytesRead = 0;

  constructor(options: TailerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#finder = options.finder;
  }

  get openFiles(): number {
    return this.#finder.files.size;
  }

  /** Bytes that open files hold and that are in no block yet. */
  get lagBytes(): number {
    let total = 0;
    for (const file of this.#finder.files.values()) total += file.lag;
    return total;
  }

  /** Ends `run` after one more pass over all files, unterminated records included. */
  stop(): void {
    this.#stopping = true;
    // What came since the last scan is part of the last pass.
    this.#nextScan = Math.min(this.#nextScan, 0);
    this.#wake.abort();
  }

  /** Runs until `stop`, or in `once` mode until everything is read. On return every record read is in a lane. */
  async run(): Promise<void> {
    const { lanes } = this.#options;
    while (!this.#aborted) {
      const last = this.#stopping || this.#options.once;
      this.#scan(last);
      const behind = await this.#readAll(last);
      for (const lane of lanes) if ((last && behind.size === 0) || lane.dueInMs() <= 0) lane.flush();
      this.#closeDrained();
      this.#saveDirty();
      const done = last && behind.size === 0 && !this.#finder.undecided;
      if (done && lanes.every((lane) => lane.flush())) return;
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
    this.#wake.abort();
  }

  async #rest(): Promise<void> {
    // Until the scan is due, not a tick from now: a timer can end early, and the scan would be late by a whole tick.
    const due = [
      this.#nextScan - this.#clock.monotonic(),
      ...this.#options.lanes.map((lane) => lane.dueInMs()),
    ];
    const wait = Math.max(1, Math.min(tickMs, ...due));
    await this.#clock.sleep(wait, this.#wake.signal);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  #scan(last: boolean): void {
    const now = this.#clock.monotonic();
    if (now < this.#nextScan) return;
    const first = this.#nextScan === Number.NEGATIVE_INFINITY;
    this.#nextScan = now + tickMs;
    this.#finder.scan(last);
    if (first) this.#afterFirstScan();
    else if (now >= this.#nextExpiry) this.#expire();
  }

  /** Files that are followed are met by every scan, however long nothing has come. */
  #expire(): void {
    this.#nextExpiry = this.#clock.monotonic() + expireMs;
    for (const file of this.#finder.files.values()) if (file.position > 0) file.dirty = true;
    this.#saveDirty();
    this.#options.outbox.expire(storedMs);
  }

  #afterFirstScan(): void {
    const { outbox, telemetry, torn } = this.#options;
    // The rewound positions are stored before the torn slots are given up.
    this.#saveDirty();
    for (const run of this.#finder.lostRuns())
      telemetry.emit('interval_lost', { ...run, bytes: run.to - run.from });
    outbox.acknowledge(torn.map((row) => row.seq));
    // What a copied store says of files that are not here proves nothing later either.
    outbox.expire(outbox.suspicion === 'none' ? storedMs : 0);
    this.#nextExpiry = this.#clock.monotonic() + expireMs;
  }

  /** One turn of each file that may have bytes; the lanes of the files that have some left. */
  async #readAll(last: boolean): Promise<Set<Lane>> {
    const now = this.#clock.monotonic();
    const quiet = now >= this.#nextQuietCheck;
    if (quiet) this.#nextQuietCheck = now + Math.min(1000, Math.max(tickMs, this.#finder.files.size));
    const behind = new Set<Lane>();
    for (const file of [...this.#finder.files.values()]) {
      if (this.#aborted) break;
      if (!last && !quiet && now - file.lastDataAt > hotMs) continue;
      const lane = this.#lane(file);
      try {
        if (await this.#readTurn(file, lane, last)) behind.add(lane);
      } catch (error) {
        // One file on a bad disk must not stop the others; it is tried again with them.
        this.#finder.reportUnreadable(file.path, error);
      }
    }
    return behind;
  }

  /** True when the file has more. */
  async #readTurn(file: TailedFile, lane: Lane, last: boolean): Promise<boolean> {
    const builder = lane.builder;
    if (builder === undefined) return true;
    const outcome = await file.read(builder, turnBytes, this.#clock.now(), this.#isFinal(file, last));
    if (outcome.kind === 'full') {
      lane.flush(true);
      return true;
    }
    if (outcome.kind === 'replaced') return this.#replaced(file, lane, outcome.size);
    this.bytesRead += outcome.bytes;
    if (outcome.bytes > 0) file.lastDataAt = this.#clock.monotonic();
    const { path, position } = file;
    if (outcome.cut === 'long') this.#options.telemetry.emit('record_cut', { path, at: position });
    if (outcome.cut === 'unterminated')
      this.#options.telemetry.emit('partial_flushed', { path, at: position });
    return outcome.kind === 'more';
  }

  /** An unfinished record is shipped as it is when its timer has ended, its file is gone, or the agent stops. */
  #isFinal(file: TailedFile, last: boolean): boolean {
    if (last) return true;
    const { source } = file;
    const now = this.#clock.monotonic();
    const quietMs = now - file.lastDataAt;
    if (file.goneSince !== undefined)
      return quietMs >= source.rotateWaitMs && now - file.goneSince >= source.rotateWaitMs;
    if (file.pending.length === 0) return false;
    const timer =
      source.framing.type === 'multiline' && file.pending.at(-1) === 0x0a
        ? source.multilineFlushMs
        : source.partialFlushMs;
    return timer > 0 && quietMs >= timer;
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
      if (file.size > file.readTo) {
        const lost = { path: file.path, from: file.readTo, to: file.size, bytes: file.size - file.readTo };
        telemetry.emit('bytes_destroyed', lost);
      }
    }
    telemetry.emit('file_truncated', { path: file.path, position: file.position, size });
    file.restart(mintGeneration(this.#clock), fstatSync(file.fd));
    file.lastDataAt = this.#clock.monotonic();
    return size > 0 || copy !== undefined;
  }

  /** Files that left their pattern: closed when nothing has come for rotate_wait and everything is gathered. */
  #closeDrained(): void {
    const now = this.#clock.monotonic();
    for (const file of this.#finder.files.values()) {
      if (file.goneSince === undefined || file.pending.length > 0) continue;
      const wait = file.source.rotateWaitMs;
      if (now - file.goneSince < wait || now - file.lastDataAt < wait) continue;
      const stat = fstatSync(file.fd);
      if (stat.size > file.readTo) continue;
      this.#finder.forget(file, stat.nlink === 0);
      this.#options.telemetry.emit('file_closed', {
        path: file.path,
        position: file.position,
        deleted: stat.nlink === 0,
      });
    }
  }

  /** Rows that changed without bytes: with the next block where one is on its way, else at once. */
  #saveDirty(): void {
    const rows: GenerationRow[] = [];
    for (const file of this.#finder.files.values()) {
      if (!file.dirty) continue;
      const lane = this.#lane(file);
      // Never a position before its block: what is gathered may still be lost.
      if (lane.idle) rows.push(file.row());
      else if (lane.builder && !lane.builder.empty) lane.builder.note(file.row());
      else continue;
      file.dirty = false;
    }
    if (rows.length > 0) this.#options.outbox.save(rows);
  }

  #lane(file: TailedFile): Lane {
    const lane = this.#options.laneOf(file.tag);
    if (lane === undefined) throw new TypeError(`file ${file.path} is followed but its tag goes nowhere`);
    return lane;
  }

  close(): void {
    this.#finder.close();
  }
}
