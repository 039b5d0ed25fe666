import { closeSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { messageOf } from '@millrace/core/errors.ts';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Lane } from '../gather/lane.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { CompressedFiles } from './compressed.ts';
import { CopySuspects } from './copies.ts';
import { compressionOf } from './decompress.ts';
import { racyMs, TailedFile } from './file.ts';
import { FirstLook } from './first-look.ts';
import type { FileWay, FoundPath, SourceState } from './found.ts';
import { type FileIdentity, fileKey, identityOf } from './identity.ts';
import { OpenFiles } from './open-files.ts';
import { expandTime } from './path-time.ts';
import { expandGlobs, folderState } from './scanner.ts';
import { isAsleep, type Sleeper } from './sleepers.ts';
import { lineStartBefore, standingAt } from './standing.ts';
import { StoredFiles } from './stored.ts';

export interface FinderOptions {
  sources: TailSource[];
  /** Where a file's records go; undefined when no output takes them, null when it is nobody's fault. */
  wayOf(source: TailSource, path: string): FileWay | undefined | null;
  /** Slots that a power cut tore: their files go back to where the slots' runs began. */
  torn: OutboxRow[];
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Every file is read from its start. */
  fromHead: boolean;
  /** Another run followed the same files just before: a new file may be a copy of one of them. */
  resumed: boolean;
  /** Files that may be open at once. */
  openMax: number;
}

/** Globs are expanded and all files looked at this often, whatever folders' times and notifications say. */
const expandMs = 10_000;
/** Folders asked for their times in a millisecond, and files looked at when one has changed: bounds the share of a core. */
const foldersPerMs = 2;
const filesPerMs = 10;
/** Files closed since the start that are remembered in case they come back into a pattern. */
const closedMax = 10_000;
const unreadableMax = 10_000;

/**
 * Finds the files of all sources and decides which generation each holds (D3). Files are told apart by device and
 * inode while the agent runs, so a rename is nothing.
 */
export class FileFinder {
  readonly open: OpenFiles;
  readonly #options: FinderOptions;
  readonly #clock: Clock;
  /** Paths that cannot be followed: reported once. */
  readonly #unreadable = new Set<string>();
  readonly #copies: CopySuspects;
  readonly #compressed: CompressedFiles;
  readonly #sources: SourceState[];
  readonly #stored: StoredFiles;
  readonly #firstLook: FirstLook;
  /** Present when their source was first known: begin at their end. */
  readonly #atEnd: ReadonlySet<string>[];
  /** Files that left their pattern and were closed: their rows and tags by file key, oldest first. */
  readonly #closed = new Map<string, { row: GenerationRow; tag: string }>();
  #scans = 0;
  #stopSeen = false;

  constructor(options: FinderOptions) {
    const { clock, outbox, sources, telemetry } = options;
    this.#options = options;
    this.#clock = clock;
    this.#stored = new StoredFiles(outbox, options.torn, telemetry);
    this.#copies = new CopySuspects(clock);
    const involved = (file: TailedFile) => this.#copies.involve(file);
    const retired = (row: GenerationRow) => this.#compressed.retire(row);
    this.open = new OpenFiles(clock, telemetry, options.openMax, { involved, retired });
    this.#compressed = new CompressedFiles({
      ...options,
      once: options.fromHead,
      files: this.open.files,
      sleepers: this.open.sleepers,
      rewindOf: (id) => this.#stored.rewindOf(id),
      open: (found, at) => this.#open(found, at),
      drop: (key) => {
        const file = this.open.files.get(key);
        if (file) this.forget(file, true);
      },
    });
    this.#firstLook = new FirstLook(outbox, sources, options.fromHead);
    this.#atEnd = sources.map((source) => this.#firstLook.beginAtEnd(source, this.#dated(source)));
    this.#sources = sources.map(newState);
  }

  /** Where the records of a file that is asleep go; undefined where none takes them. */
  laneOf({ state, path }: Sleeper): Lane | undefined {
    return this.#options.wayOf(state.source, path)?.lane;
  }

  /** Runs of torn slots whose generation no file holds any more. */
  lostRuns(): OutboxRow['runs'] {
    return this.#stored.lostRuns();
  }

  /** The positions of the first scan are stored. */
  firstScanStored(): void {
    this.#firstLook.note();
  }

  /** Generations that are still met although no file of theirs is open, or nothing has come for long. */
  metGenerations(): Buffer[] {
    const open = [...this.open.files.values()].filter((file) => file.position > 0);
    const proven = this.#options.outbox.suspicion === 'none';
    const asleep = [...this.open.sleepers.values()].flatMap(
      ({ row, inode }) => row ?? (proven ? this.#stored.of(inode) : []),
    );
    return [...open.map((file) => file.generation), ...asleep.map((row) => row.id)];
  }

  /**
   * The followed file's content was replaced: when a copy of the old content exists, that is followed from here.
   * `goesOn`: it goes on where the file was read to; else it holds nothing new.
   */
  adoptCopy(file: TailedFile): { path: string; goesOn: boolean } | undefined {
    // A copy made just before the truncation may have been missed so far.
    for (const state of this.#sources)
      if (state.source === file.source) this.#expand(state, this.#clock.monotonic());
    const copy = this.#copies.claim(file);
    if (copy === undefined) return undefined;
    const { found, exhausted } = copy;
    if (exhausted) {
      // Its bytes belong to the file's generation, which goes further than they do; what may follow them is new.
      const stat = fstatSync(found.fd);
      this.#open(found, {
        generation: mintGeneration(this.#clock),
        ...standingAt(found.fd, stat.size, stat),
      }).dirty = true;
      return { path: found.path, goesOn: false };
    }
    const { generation, position, head, tail, oldUntil, oldMs } = file;
    const adopted = this.#open(found, { generation, position, head, tail, oldUntil, oldMs });
    adopted.dirty = true;
    adopted.continues = file.continues;
    return { path: found.path, goesOn: true };
  }

  /** A new file may turn out to be a copy of another, or waits until another is closed. */
  get undecided(): boolean {
    return (
      this.#copies.size > 0 || this.#compressed.busy || this.#sources.some((state) => state.waiting.size > 0)
    );
  }

  /** The file's generation ends here: its rest may be found in a compressed file. */
  retire(file: TailedFile): void {
    this.#compressed.retire(file.row());
  }

  /** Rows to keep although no open file has them. */
  keptRows(): GenerationRow[] {
    return this.#compressed.rows();
  }

  /** Closes a file that left its pattern; `gone`: it cannot come back. */
  forget(file: TailedFile, gone: boolean): void {
    this.open.delete(file);
    file.close();
    this.retire(file);
    if (!gone) this.#remember(file.key, file.row(), file.tag);
  }

  close(): void {
    this.#compressed.close();
    this.open.close();
    this.#copies.close();
  }

  /** Looks for new, renamed and vanished files where something may have changed; cheap enough for every tick. */
  scan(stopping: boolean): void {
    const now = this.#clock.monotonic();
    this.#scans++;
    for (const { state, path } of this.open.sleepers.takeRoused()) this.#meet(state, path);
    for (const state of this.#sources) {
      if ((stopping && !this.#stopSeen) || this.#due(state, now)) this.#expand(state, now);
      else if (now - state.looseAt >= state.source.refreshIntervalMs) this.#meetLoose(state, now);
      else this.#meetEmpty(state, now);
    }
    this.#stopSeen = stopping;
    this.open.closeQuiet(now);
    this.#copies.settle((found) => this.#start(found, fstatSync(found.fd)), stopping);
    this.#compressed.settle(stopping);
  }

  /** First bytes change no folder: files that were empty are looked at on their own. */
  #meetEmpty(state: SourceState, now: number): void {
    if (now - state.emptyAt < state.empty.length) return;
    state.emptyAt = now;
    for (const path of state.empty.splice(0)) this.#meet(state, path);
  }

  /** Whether everything of a source has to be looked at. */
  #due(state: SourceState, now: number): boolean {
    const since = now - state.expandedAt;
    if (since >= Math.max(expandMs, state.source.refreshIntervalMs)) return true;
    if (since < state.found.files.length / filesPerMs) return false;
    if (now - state.foldersAt < state.found.folders.length / foldersPerMs) return false;
    state.foldersAt = now;
    return state.found.folders.some((folder) => folderState(folder).text !== state.folderStates.get(folder));
  }

  #dated(source: TailSource): (path: string) => string {
    return (path) => expandTime(path, this.#clock.now(), source.pathTimeZone);
  }

  #meetLoose(state: SourceState, now: number): void {
    state.looseAt = now;
    const moved = [...state.loose].some((path) => {
      const before = state.keys.get(path);
      const key = this.#meet(state, path);
      return before !== undefined && key !== before;
    });
    const { paths } = state.source;
    const dates = paths.some((path) => path.includes('%')) && paths.map(this.#dated(state.source)).join('\n');
    if (moved || (dates && dates !== state.dated)) this.#expand(state, now);
  }

  #expand(state: SourceState, now: number): void {
    const { paths, excludePaths } = state.source;
    const dated = paths.map(this.#dated(state.source));
    const wall = this.#clock.now();
    state.folderStates.clear();
    state.found = expandGlobs(dated, excludePaths.map(this.#dated(state.source)));
    for (const folder of state.found.folders) {
      const { ms, text } = folderState(folder);
      // Changed just now: it could change again without its time showing it, so it counts as changed next time.
      if (wall - ms > racyMs) state.folderStates.set(folder, text);
    }
    state.dated = dated.join('\n');
    state.expandedAt = now;
    state.looseAt = now;
    state.empty = [];
    state.loose.clear();
    state.waiting.clear();
    state.keys.clear();
    for (const [path, why] of state.found.refused) this.reportUnreadable(path, why);
    for (const path of state.found.files) {
      const key = this.#meet(state, path);
      if (key !== undefined) state.keys.set(path, key);
    }
    this.#findGone(state, now);
  }

  /** What no path leads to any more; of several paths to one file, the one that it was known by stays. */
  #findGone(state: SourceState, now: number): void {
    const present = new Map<string, string>();
    for (const [path, key] of state.keys) if (!present.has(key)) present.set(key, path);
    for (const file of this.open.files.values()) {
      if (file.source !== state.source) continue;
      const path = present.get(file.key);
      if (path === undefined) this.open.leave(file, now);
      else if (state.keys.get(file.path) !== file.key) file.path = path;
    }
    for (const sleeper of [...this.open.sleepers.values()]) {
      if (sleeper.state !== state) continue;
      const path = present.get(sleeper.key);
      if (path !== undefined) {
        if (state.keys.get(sleeper.path) !== sleeper.key) sleeper.path = path;
        continue;
      }
      this.open.wake(sleeper);
      if (sleeper.row) this.#remember(sleeper.key, sleeper.row, sleeper.tag);
    }
  }

  /** A path that a glob matches: returns the key of the file behind it. */
  #meet(state: SourceState, path: string): string | undefined {
    const real = state.found.raw.get(path) ?? path;
    let stat: Stats | undefined;
    let identity: FileIdentity;
    try {
      stat = statSync(real, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile()) return undefined;
      identity = identityOf(stat, () => statSync(real, { bigint: true }));
    } catch (error) {
      state.loose.add(path);
      this.reportUnreadable(path, error);
      return undefined;
    }
    const reader = this.#readerOf(state, identity);
    const key = fileKey(identity, reader);
    const file = this.open.files.get(key);
    if (file) this.open.met(file, stat);
    else if (this.#compressed.holds(key, stat)) return key;
    else if (!this.#copies.holds(key) && !this.#sleeps(state, path, real, stat, { identity, key, reader }))
      this.#consider(state, path, real, { key, reader });
    if (state.found.links.has(path) || !this.open.watched(key)) state.loose.add(path);
    return key;
  }

  /** Several sources may match a file: the first one's reading is '', another's is named after it. */
  #readerOf(state: SourceState, identity: FileIdentity): string {
    const { reader, id } = state.source;
    if (reader) return reader;
    const stored = this.#stored.of(identity.inode);
    if (this.#sources.length === 1 && stored.every((row) => row.reader === '')) return '';
    const own = fileKey(identity, id);
    if (this.open.has(own) || this.#copies.holds(own)) return id;
    const first = fileKey(identity, '');
    const holder = this.open.holder(first) ?? this.#copies.holder(first)?.state.source;
    if (holder) return holder === state.source ? '' : id;
    return stored.some((row) => row.reader === id) ? id : '';
  }

  /** True when there is nothing to open the file for. */
  #sleeps(
    state: SourceState,
    path: string,
    real: string | Buffer,
    stat: Stats,
    { identity, key, reader }: { identity: FileIdentity; key: string; reader: string },
  ): boolean {
    const known = this.open.sleepers.get(key);
    if (known && isAsleep(known, stat)) return true;
    const { limitRecentlyModifiedMs = Number.POSITIVE_INFINITY } = state.source;
    const old = this.#clock.now() - stat.mtimeMs > limitRecentlyModifiedMs && !this.#beginsAtEnd(state, path);
    // An empty file has no identity yet.
    if (stat.size > 0 && (!old || known)) return false;
    const { size, mtimeMs } = stat;
    if (known) {
      Object.assign(known, { size, mtimeMs });
      return true;
    }
    const { inode } = identity;
    const base = { state, path, key, reader, inode, size, mtimeMs };
    const sleeper: Sleeper = { ...base, row: undefined, tag: '', lastReadMs: undefined };
    if (!this.open.sleep(sleeper, real, identity.device)) {
      if (size === 0) state.empty.push(path);
      return true;
    }
    // Written to before it was watched: nothing will tell.
    const again = statSync(real, { throwIfNoEntry: false });
    if (again && !isAsleep(sleeper, again)) this.open.sleepers.rouse(sleeper);
    return true;
  }

  #beginsAtEnd(state: SourceState, path: string): boolean {
    return this.#scans === 1 && (this.#atEnd[this.#sources.indexOf(state)]?.has(path) ?? false);
  }

  #consider(
    state: SourceState,
    path: string,
    real: string | Buffer,
    as: { key: string; reader: string },
  ): void {
    const way = this.#options.wayOf(state.source, path);
    if (way === undefined) this.reportUnreadable(path, 'no <match> takes its tag');
    if (!way) return;
    if (!this.open.hasRoom(state.source)) {
      state.waiting.add(path);
      state.loose.add(path);
      this.reportUnreadable(
        path,
        'as many files as may be are open: it is opened when another is at its end',
      );
      return;
    }
    let fd: number | undefined;
    try {
      fd = openSync(real, 'r');
      this.#follow(state, path, as, fd);
      this.#unreadable.delete(path);
      state.waiting.delete(path);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      state.loose.add(path);
      this.reportUnreadable(path, error);
    }
  }

  #follow(state: SourceState, path: string, as: { key: string; reader: string }, fd: number): void {
    const stat = fstatSync(fd);
    const identity = identityOf(stat, () => fstatSync(fd, { bigint: true }));
    const { key, reader } = as;
    if (fileKey(identity, reader) !== key || this.open.files.has(key)) {
      closeSync(fd); // replaced between stat and open: the next scan meets it
      return;
    }
    const found = { state, path, fd, identity, key, reader };
    const compression = compressionOf(path, fd);
    if (compression) {
      const sleeper = this.open.sleepers.get(key);
      if (sleeper) this.open.wake(sleeper);
      this.#compressed.take(key, found, compression, this.#beginsAtEnd(state, path));
      return;
    }
    if (this.#resume(found, stat)) return;
    if (this.#scans === 1 && !this.#options.resumed) {
      this.#start(found, stat);
      return;
    }
    for (const sleeper of this.open.sleepers.alike(fd, stat.size, reader))
      this.#consider(
        sleeper.state,
        sleeper.path,
        sleeper.state.found.raw.get(sleeper.path) ?? sleeper.path,
        sleeper,
      );
    const originals = this.#copies.originalsOf(fd, stat.size, reader, this.open.files.values());
    if (originals.length > 0) this.#copies.hold(key, found, originals);
    else this.#start(found, stat);
  }

  #resume(found: FoundPath, stat: Stats): boolean {
    const { state, path, fd, key, identity, reader } = found;
    const { birthtimeMs, ctimeMs, size } = stat;
    const sleeper = this.open.sleepers.get(key);
    if (sleeper) this.open.wake(sleeper);
    const before = sleeper?.row ? { row: sleeper.row, tag: sleeper.tag } : this.#closed.get(key);
    this.#closed.delete(key);
    // Under another tag its blocks would overtake those that are on their way: it is then a file not seen before.
    const known = before?.tag === this.#options.wayOf(state.source, path)?.tag ? before?.row : undefined;
    const birthIsReal = birthtimeMs > 0 && birthtimeMs !== ctimeMs;
    const resumed = this.#stored.resume({ fd, size, identity, birthIsReal, path, reader }, known);
    if (resumed === undefined) return false;
    const { row, position, head, tail } = resumed;
    const { id, oldUntil, oldMs, continues, dropping } = row;
    const cutAt = position < row.position ? {} : { continues, dropping };
    const file = this.#open(found, { generation: id, position, head, tail, oldUntil, oldMs, ...cutAt });
    file.dirty = true;
    file.lastReadMs = sleeper?.lastReadMs;
    if (!sleeper) this.#options.telemetry.emit('file_resumed', { path, position, size });
    return true;
  }

  /** A file seen for the first time: a new generation, from its head or (first look, as fluentd) its end. */
  #start(found: FoundPath, stat: Stats): void {
    const generation = mintGeneration(this.#clock);
    const fromEnd = this.#beginsAtEnd(found.state, found.path);
    const position = fromEnd ? lineStartBefore(found.fd, stat.size) : 0;
    const file = this.#open(found, { generation, ...standingAt(found.fd, position, stat) });
    file.dirty = fromEnd;
    const { path } = found;
    this.#options.telemetry.emit('file_found', { path, tag: file.tag, size: stat.size, position });
  }

  #open(
    { state, path, fd, identity, key, reader }: FoundPath,
    at: Pick<TailedFile, 'generation' | 'position' | 'head' | 'tail' | 'oldUntil' | 'oldMs'> & {
      continues?: boolean;
      dropping?: boolean;
      content?: TailedFile['content'];
    },
  ): TailedFile {
    const { source } = state;
    const way = this.#options.wayOf(source, path);
    if (!way) throw new TypeError(`file ${path} is followed but its tag goes nowhere`);
    const now = this.#clock.monotonic();
    const file = new TailedFile({ path, source, ...way, identity, key, reader, fd, now, ...at });
    this.open.add(file, state);
    return file;
  }

  #remember(key: string, row: GenerationRow, tag: string): void {
    this.#closed.set(key, { row, tag });
    const [oldest] = this.#closed.keys();
    if (this.#closed.size > closedMax && oldest !== undefined) this.#closed.delete(oldest);
  }

  /** Reported once, until it can be read. */
  reportUnreadable(path: string, error: unknown): void {
    if (this.#unreadable.has(path)) return;
    // Beyond its bound the oldest is reported again when it is met again.
    const [oldest] = this.#unreadable;
    if (this.#unreadable.size >= unreadableMax && oldest !== undefined) this.#unreadable.delete(oldest);
    this.#unreadable.add(path);
    this.#options.telemetry.emit('file_unreadable', { path, error: messageOf(error) });
  }
}

function newState(source: TailSource): SourceState {
  const never = Number.NEGATIVE_INFINITY;
  return {
    source,
    found: { files: [], folders: [], links: new Set(), raw: new Map(), refused: new Map() },
    dated: '',
    folderStates: new Map(),
    keys: new Map(),
    loose: new Set(),
    waiting: new Set(),
    empty: [],
    emptyAt: never,
    foldersAt: never,
    expandedAt: never,
    looseAt: never,
  };
}
