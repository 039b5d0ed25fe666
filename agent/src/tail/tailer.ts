import { closeSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { messageOf } from '@millrace/core/errors.ts';
import { generationText, mintGeneration } from '@millrace/core/ids/generation.ts';
import { ruleText } from '@millrace/core/rule/rule.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Lane } from '../gather/lane.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { CopySuspects } from './copies.ts';
import { type FileIdentity, TailedFile } from './file.ts';
import { fingerprintBytes, readAt } from './fingerprint.ts';
import { recognise } from './recognise.ts';
import { type Expansion, expandGlobs } from './scanner.ts';

export interface TailerOptions {
  sources: TailSource[];
  /** The tag of a file, and the lane that it goes to. */
  tagOf(source: TailSource, path: string): string;
  laneOf(tag: string): Lane | undefined;
  lanes: Lane[];
  /** Slots that a power cut tore: the files go back to where their runs began. */
  torn: OutboxRow[];
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Read everything from its start to its end, then stop. */
  once: boolean;
}

/** How often hot files and folders are looked at, milliseconds. */
const tickMs = 100;
/** A file is hot for this long after bytes came. */
const hotMs = 10_000;
/** Globs are expanded at least this often, whatever folders' times say. */
const expandMs = 10_000;
/** A folder whose time is this close to the scan may have changed again within the clock's granularity. */
const racyMs = 100;
/** Bytes a file may be read in its turn while other files have bytes too. */
const turnBytes = 1024 * 1024;

/**
 * Follows the files of all sources: finds them, keeps each open until it is read to its end, and gathers what they
 * hold into the lanes' blocks. Files are told apart by inode while the agent runs, so a rename is nothing.
 */
export class Tailer {
  readonly #options: TailerOptions;
  readonly #clock: Clock;
  /** Open files by device and inode. */
  readonly #files = new Map<string, TailedFile>();
  /** Files whose open failed, by path: reported once. */
  readonly #unreadable = new Set<string>();
  readonly #copies: CopySuspects;
  /** Offsets to go back to, by generation. */
  readonly #rewind = new Map<string, number>();
  #stored: GenerationRow[];
  readonly #sources: SourceState[];
  #scans = 0;
  #nextQuietCheck = 0;
  #stopping = false;
  #aborted = false;
  #nextScan = 0;
  #wake = new AbortController();
  bytesRead = 0;

  constructor(options: TailerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#stored = options.outbox.generations();
    for (const run of options.torn.flatMap((row) => row.runs)) {
      const from = this.#rewind.get(run.generation) ?? run.from;
      this.#rewind.set(run.generation, Math.min(from, run.from));
    }
    this.#copies = new CopySuspects(options.clock);
    this.#sources = options.sources.map((source) => ({
      source,
      rule: ruleText(source.rule),
      found: { files: [], folders: [] },
      folderTimes: new Map(),
      expandedAt: Number.NEGATIVE_INFINITY,
      statedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  get openFiles(): number {
    return this.#files.size;
  }

  /** Bytes that open files hold and that are in no block yet. */
  get lagBytes(): number {
    let total = 0;
    for (const file of this.#files.values()) total += file.lag;
    return total;
  }

  /** Ends `run` after one more pass over all files, unterminated records included. */
  stop(): void {
    this.#stopping = true;
    this.#wake.abort();
  }

  /** Runs until `stop`, or in `once` mode until everything is read. On return every record read is in a lane. */
  async run(): Promise<void> {
    const { lanes } = this.#options;
    while (!this.#aborted) {
      const last = this.#stopping || this.#options.once;
      this.#scan();
      const behind = await this.#readAll(last);
      for (const lane of lanes) if ((last && !behind) || lane.dueInMs() <= 0) lane.flush();
      this.#closeDrained();
      this.#saveDirty();
      if (last && !behind && lanes.every((lane) => lane.flush())) return;
      // With nothing to wait for, reading goes on at once, but timers and sockets get their turn.
      if (behind && lanes.some((lane) => lane.builder)) await new Promise((resolve) => setImmediate(resolve));
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
    const wait = Math.min(tickMs, ...this.#options.lanes.map((lane) => Math.max(1, lane.dueInMs())));
    await this.#clock.sleep(wait, this.#wake.signal);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  // ---- finding files

  #scan(): void {
    const now = this.#clock.monotonic();
    if (this.#scans > 0 && now < this.#nextScan) return;
    this.#nextScan = now + tickMs;
    this.#scans++;
    for (const state of this.#sources) {
      const due = now - state.statedAt >= state.source.refreshIntervalMs;
      if (due || this.#foldersChanged(state)) this.#expand(state, now);
    }
    if (this.#scans === 1) this.#afterFirstScan();
    this.#copies.settle((found) => this.#start(found, fstatSync(found.fd)));
  }

  #foldersChanged(state: SourceState): boolean {
    return state.found.folders.some((folder) => folderTime(folder) !== state.folderTimes.get(folder));
  }

  #expand(state: SourceState, now: number): void {
    const wall = this.#clock.now();
    if (now - state.expandedAt >= expandMs || this.#foldersChanged(state) || state.expandedAt < 0) {
      state.found = expandGlobs(state.source.paths, state.source.excludePaths);
      state.expandedAt = now;
      state.folderTimes.clear();
      for (const folder of state.found.folders) {
        const time = folderTime(folder);
        // Changed just now: it could change again without its time showing it, so it counts as changed next time.
        if (wall - time > racyMs) state.folderTimes.set(folder, time);
      }
    }
    state.statedAt = now;
    const present = new Set<string>();
    for (const path of state.found.files) {
      const key = this.#meet(state, path);
      if (key) present.add(key);
    }
    for (const [key, file] of this.#files) {
      if (file.source !== state.source) continue;
      if (present.has(key)) file.goneSince = undefined;
      else file.goneSince ??= now;
    }
  }

  /** A path that a glob matches: returns the key of the file behind it. */
  #meet(state: SourceState, path: string): string | undefined {
    let stat: Stats | undefined;
    try {
      stat = statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      this.#reportUnreadable(path, error);
    }
    if (stat === undefined || !stat.isFile()) return undefined;
    const key = `${stat.dev}:${stat.ino}`;
    const file = this.#files.get(key);
    if (file) {
      if (file.source === state.source) file.path = path;
      if (stat.size !== file.readTo)
        file.lastDataAt = Math.max(file.lastDataAt, this.#clock.monotonic() - hotMs + 1000);
      return key;
    }
    // An empty file has no identity yet.
    if (stat.size > 0 && !this.#copies.holds(key)) this.#consider(state, path, key);
    return key;
  }

  #consider(state: SourceState, path: string, key: string): void {
    if (this.#options.laneOf(this.#options.tagOf(state.source, path)) === undefined) {
      this.#reportUnreadable(path, 'no <match> takes its tag');
      return;
    }
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      this.#reportUnreadable(path, error);
      return;
    }
    this.#unreadable.delete(path);
    const stat = fstatSync(fd);
    const identity = identityOf(stat);
    if (`${stat.dev}:${stat.ino}` !== key || this.#files.has(key)) {
      closeSync(fd); // replaced between stat and open: the next scan meets it
      return;
    }
    if (this.#resume(state, path, fd, stat, identity)) return;
    const originals = this.#scans === 1 ? [] : this.#copies.originalsOf(fd, stat.size, this.#files.values());
    const found = { state, path, fd, identity };
    if (originals.length > 0) this.#copies.hold(key, found, originals);
    else this.#start(found, stat);
  }

  #resume(state: SourceState, path: string, fd: number, stat: Stats, identity: FileIdentity): boolean {
    const birthIsReal = stat.birthtimeMs > 0 && stat.birthtimeMs !== stat.ctimeMs;
    const { outbox, telemetry } = this.#options;
    const result = recognise({ fd, size: stat.size, identity, birthIsReal }, this.#stored, outbox.suspicion);
    if (result.kind === 'unknown') return false;
    this.#stored = this.#stored.filter((row) => row !== result.row);
    if (result.kind === 'unproven') {
      telemetry.emit('file_unproven', { path, reason: result.reason, position: result.row.position });
      return false;
    }
    const { id, oldUntil, oldMs } = result.row;
    const position = Math.min(
      result.row.position,
      this.#rewind.get(generationText(id)) ?? result.row.position,
    );
    this.#rewind.delete(generationText(id));
    const head = result.head.subarray(0, position);
    // The bytes before an earlier position are not known; the next read finds out what they are.
    const tail = position < result.row.position ? Buffer.alloc(0) : result.tail;
    const file = this.#open(
      { state, path, fd, identity },
      { generation: id, position, head, tail, oldUntil, oldMs },
    );
    file.dirty = true;
    telemetry.emit('file_resumed', { path, position, size: stat.size });
    return true;
  }

  /** A file seen for the first time: a new generation, from its head or (very first start, as fluentd) its end. */
  #start(found: FoundPath, stat: Stats): void {
    const { outbox, telemetry, once } = this.#options;
    const generation = mintGeneration(this.#clock);
    const fromEnd = this.#scans === 1 && outbox.fresh && !found.state.source.readFromHead && !once;
    const position = fromEnd ? lineStartBefore(found.fd, stat.size) : 0;
    const file = this.#open(found, {
      generation,
      position,
      head: readAt(found.fd, 0, Math.min(fingerprintBytes, position)),
      tail: readAt(found.fd, Math.max(0, position - fingerprintBytes), Math.min(fingerprintBytes, position)),
      oldUntil: stat.size,
      oldMs: Math.round(stat.mtimeMs),
    });
    file.dirty = fromEnd;
    telemetry.emit('file_found', { path: found.path, tag: file.tag, size: stat.size, position });
  }

  #open(
    found: FoundPath,
    at: Pick<TailedFile, 'generation' | 'position' | 'head' | 'tail' | 'oldUntil' | 'oldMs'>,
  ): TailedFile {
    const { state, path, fd, identity } = found;
    const tag = this.#options.tagOf(state.source, path);
    const now = this.#clock.monotonic();
    const file = new TailedFile({
      path,
      source: state.source,
      tag,
      rule: state.rule,
      identity,
      fd,
      now,
      ...at,
    });
    this.#files.set(`${identity.device}:${identity.inode}`, file);
    return file;
  }

  #afterFirstScan(): void {
    const { outbox, telemetry, torn } = this.#options;
    const week = 7 * 24 * 3600 * 1000;
    // The rewound positions are stored before the torn slots are given up.
    this.#saveDirty();
    const lost = torn.flatMap((row) => row.runs).filter((run) => this.#rewind.has(run.generation));
    for (const run of lost) telemetry.emit('interval_lost', { ...run, bytes: run.to - run.from });
    outbox.acknowledge(torn.map((row) => row.seq));
    outbox.expire(week);
  }

  #reportUnreadable(path: string, error: unknown): void {
    if (this.#unreadable.has(path)) return;
    this.#unreadable.add(path);
    this.#options.telemetry.emit('file_unreadable', { path, error: messageOf(error) });
  }

  // ---- reading files

  /** One turn of each file that may have bytes; true when some are left. */
  async #readAll(last: boolean): Promise<boolean> {
    const now = this.#clock.monotonic();
    const quiet = now >= this.#nextQuietCheck;
    if (quiet) this.#nextQuietCheck = now + Math.min(1000, Math.max(tickMs, this.#files.size));
    let behind = false;
    for (const file of [...this.#files.values()]) {
      if (this.#aborted) break;
      if (!last && !quiet && now - file.lastDataAt > hotMs) continue;
      const lane = this.#lane(file);
      const builder = lane.builder;
      if (builder === undefined) {
        behind = true;
        continue;
      }
      const outcome = await file.read(builder, turnBytes, this.#clock.now(), this.#isFinal(file, last));
      if (outcome.kind === 'full') {
        lane.flush();
        behind = true;
      } else if (outcome.kind === 'replaced') {
        behind = this.#replaced(file, lane, outcome.size) || behind;
      } else {
        this.bytesRead += outcome.bytes;
        if (outcome.bytes > 0) file.lastDataAt = this.#clock.monotonic();
        if (outcome.kind === 'more') behind = true;
      }
    }
    return behind;
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
    // A copy made just before the truncation may have been missed so far.
    for (const state of this.#sources)
      if (state.source === file.source) this.#expand(state, this.#clock.monotonic());
    const copy = this.#copies.claim(file);
    if (copy) {
      const { generation, position, head, tail, oldUntil, oldMs } = file;
      const adopted = this.#open(copy, { generation, position, head, tail, oldUntil, oldMs });
      adopted.dirty = true;
      adopted.continues = file.continues;
      telemetry.emit('copy_adopted', { path: copy.path, of: file.path, position });
    } else {
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
    return size > 0;
  }

  /** Files that left their pattern: closed when nothing has come for rotate_wait and everything is gathered. */
  #closeDrained(): void {
    const now = this.#clock.monotonic();
    for (const [key, file] of this.#files) {
      if (file.goneSince === undefined || file.pending.length > 0) continue;
      const wait = file.source.rotateWaitMs;
      if (now - file.goneSince < wait || now - file.lastDataAt < wait) continue;
      const stat = fstatSync(file.fd);
      if (stat.size > file.readTo) continue;
      this.#files.delete(key);
      file.close();
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
    for (const file of this.#files.values()) {
      if (!file.dirty) continue;
      const lane = this.#lane(file);
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
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
    this.#copies.close();
  }
}

interface SourceState {
  source: TailSource;
  rule: string;
  found: Expansion;
  folderTimes: Map<string, number>;
  expandedAt: number;
  statedAt: number;
}

/** A file that a scan met, opened but not followed yet. */
export interface FoundPath {
  state: SourceState;
  path: string;
  fd: number;
  identity: FileIdentity;
}

function identityOf(stat: Stats): FileIdentity {
  return { device: String(stat.dev), inode: String(stat.ino), birthMs: stat.birthtimeMs };
}

/** Modification time of a folder, milliseconds; 0 when it is not there. */
function folderTime(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The start of the line that `size` lies in, looking back 64 KiB at most. */
function lineStartBefore(fd: number, size: number): number {
  const from = Math.max(0, size - 64 * 1024);
  const newline = readAt(fd, from, size - from).lastIndexOf(0x0a);
  return newline < 0 ? size : from + newline + 1;
}
