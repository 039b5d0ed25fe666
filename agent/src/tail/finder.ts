import { closeSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Lane } from '../gather/lane.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { CompressedFiles } from './compressed.ts';
import { CopySuspects } from './copies.ts';
import { compressionOf } from './decompress.ts';
import type { TailedFile } from './file.ts';
import { FirstLook } from './first-look.ts';
import { Folders } from './folders.ts';
import { FormerFiles } from './former.ts';
import type { FileWay, FoundPath, SourceState } from './found.ts';
import { type FileIdentity, fileKey, identityOf } from './identity.ts';
import { OpenFiles } from './open-files.ts';
import { FileOpener } from './opener.ts';
import { readerOf } from './readers.ts';
import { isAsleep, type Sleeper } from './sleepers.ts';
import { datedPaths, dater, expand, isDue, newState, restMs } from './source-state.ts';
import { StoredFiles } from './stored.ts';
import { Unreadable } from './unreadable.ts';

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
  /** Something was heard that a scan should look at. */
  onStirred?(): void;
}

/**
 * Finds the files of all sources and decides which generation each holds (D3). Files are told apart by device and
 * inode while the agent runs, so a rename is nothing.
 */
export class FileFinder {
  readonly open: OpenFiles;
  readonly #options: FinderOptions;
  readonly #clock: Clock;
  readonly #unreadable: Unreadable;
  readonly #folders: Folders;
  readonly #copies: CopySuspects;
  readonly #compressed: CompressedFiles;
  readonly #sources: SourceState[];
  readonly #stored: StoredFiles;
  readonly #firstLook: FirstLook;
  /** Present when their source was first known: begin at their end. */
  readonly #atEnd: ReadonlyMap<TailSource, ReadonlySet<string>>;
  readonly #former = new FormerFiles();
  readonly #opener: FileOpener;
  #scans = 0;
  /** Files that no earlier run knew have to wait: they may be copies of those that one did. */
  #onlyKnown = false;
  #stopSeen = false;

  constructor(options: FinderOptions) {
    const { clock, outbox, sources, telemetry } = options;
    this.#options = options;
    this.#clock = clock;
    this.#stored = new StoredFiles(outbox, options.torn, telemetry);
    this.#copies = new CopySuspects(clock);
    const involved = (file: TailedFile) => this.#copies.involve(file);
    const retired = (row: GenerationRow) => this.#compressed.retire(row);
    const stirred = () => options.onStirred?.();
    this.open = new OpenFiles(clock, telemetry, options.openMax, { involved, retired, stirred });
    this.#opener = new FileOpener(options, this.open, this.#stored, this.#former);
    this.#folders = new Folders(clock, telemetry, stirred);
    this.#unreadable = new Unreadable(telemetry);
    this.#compressed = new CompressedFiles({
      ...options,
      once: options.fromHead,
      files: this.open.files,
      sleepers: this.open.sleepers,
      rewindOf: (id) => this.#stored.rewindOf(id),
      open: (found, at) => this.#opener.open(found, at),
      drop: (key) => {
        const file = this.open.files.get(key);
        if (file) this.forget(file, true);
      },
    });
    this.#firstLook = new FirstLook(outbox, sources, options.fromHead);
    this.#atEnd = new Map(
      sources.map((source) => [source, this.#firstLook.beginAtEnd(source, dater(source, clock))]),
    );
    // A source that was there before keeps its readings when another is put before it.
    const isNew = (source: TailSource) => (this.#firstLook.isNew(source) ? 1 : 0);
    this.#sources = sources.toSorted((a, b) => isNew(a) - isNew(b)).map(newState);
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
    for (const state of this.#sources) if (state.source === file.source) this.#expand(state);
    const copy = this.#copies.claim(file);
    return copy && this.#opener.adopt(file, copy);
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
    if (!gone) this.#former.closed(file.key, file.row(), file.tag);
  }

  close(): void {
    this.#folders.close();
    this.#compressed.close();
    this.open.close();
    this.#copies.close();
  }

  /** Milliseconds until `scan` has something to look at, as long as nothing is heard. */
  restMs(now: number): number {
    const { open } = this;
    const busy = open.active.size > 0 || open.leaving.size > 0 || open.sleepers.roused;
    if (busy || this.#copies.size > 0 || this.#compressed.size > 0) return 0;
    return Math.min(open.restMs(now), ...this.#sources.map((state) => restMs(state, now)));
  }

  /** Looks for new, renamed and vanished files where something may have changed; cheap enough for every tick. */
  scan(stopping: boolean): void {
    const now = this.#clock.monotonic();
    this.#scans++;
    if (this.#scans === 1 && this.#options.resumed) {
      this.#onlyKnown = true;
      for (const state of this.#sources) this.#expand(state);
      this.#onlyKnown = false;
    }
    for (const { state, path } of this.open.sleepers.takeRoused()) this.#meet(state, path);
    for (const state of this.#sources) {
      if (this.#scans === 1 || (stopping && !this.#stopSeen) || isDue(state, now)) this.#expand(state);
      else if (now - state.looseAt >= state.source.refreshIntervalMs) this.#meetLoose(state, now);
      else this.#meetEmpty(state, now);
    }
    this.#stopSeen = stopping;
    this.open.closeQuiet(now);
    this.#copies.settle((found) => this.#release(found), stopping);
    this.#compressed.settle(stopping);
  }

  /** It was held as a possible copy, and is a file of its own. */
  #release(found: FoundPath): void {
    try {
      this.#opener.start(found, fstatSync(found.fd), this.#beginsAtEnd(found.state, found.path));
    } catch (error) {
      closeSync(found.fd);
      this.reportUnreadable(found.path, error);
    }
  }

  /** First bytes change no folder: files that were empty are looked at on their own. */
  #meetEmpty(state: SourceState, now: number): void {
    if (now - state.emptyAt < state.empty.length) return;
    state.emptyAt = now;
    for (const path of state.empty.splice(0)) this.#meet(state, path);
  }

  #meetLoose(state: SourceState, now: number): void {
    state.looseAt = now;
    const moved = [...state.loose].some((path) => {
      const before = state.keys.get(path);
      const key = this.#meet(state, path);
      return before !== undefined && key !== before;
    });
    if (moved || datedPaths(state, this.#clock) !== state.dated) this.#expand(state);
  }

  #expand(state: SourceState): void {
    expand(state, this.#clock, (expanded) => this.#folders.follow(expanded));
    for (const [path, why] of state.found.refused) this.reportUnreadable(path, why);
    for (const path of state.found.files) {
      const key = this.#meet(state, path);
      if (key !== undefined) state.keys.set(path, key);
    }
    this.#findGone(state, this.#clock.monotonic());
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
      if (sleeper.row) this.#former.closed(sleeper.key, sleeper.row, sleeper.tag);
    }
  }

  /** A path that a glob matches: returns the key of the file behind it. */
  #meet(state: SourceState, path: string): string | undefined {
    const real = state.found.raw.get(path) ?? path;
    let key: string;
    try {
      const stat = statSync(real, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile()) return undefined;
      const identity = identityOf(stat, () => statSync(real, { bigint: true }));
      const reader = this.#readerOf(state, identity);
      key = fileKey(identity, reader);
      const file = this.open.files.get(key);
      if (file) this.open.met(file, stat);
      else if (this.#compressed.holds(key, stat)) return key;
      else if (this.#onlyKnown && this.#stored.of(identity.inode).length === 0) return key;
      else if (!this.#copies.holds(key) && !this.#sleeps(state, path, real, stat, { identity, key, reader }))
        this.#consider(state, path, real, { key, reader });
    } catch (error) {
      state.loose.add(path);
      this.reportUnreadable(path, error);
      return undefined;
    }
    if (state.found.links.has(path) || !this.open.watched(key)) state.loose.add(path);
    return key;
  }

  #readerOf({ source }: SourceState, identity: FileIdentity): string {
    const holder = (key: string) => this.open.holder(key) ?? this.#copies.holder(key)?.state.source;
    const key = (reader: string) => fileKey(identity, reader);
    const known = { stored: this.#stored, sources: this.#sources.length, holder };
    return readerOf(source, { inode: identity.inode, key }, known);
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
    return this.#scans === 1 && (this.#atEnd.get(state.source)?.has(path) ?? false);
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
      this.#unreadable.forget(path);
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
    if (this.#opener.resume(found, stat)) return;
    if (this.#scans === 1 && !this.#options.resumed) {
      this.#opener.start(found, stat, this.#beginsAtEnd(state, path));
      return;
    }
    for (const sleeper of this.open.sleepers.alike(fd, stat.size, reader))
      this.#consider(
        sleeper.state,
        sleeper.path,
        sleeper.state.found.raw.get(sleeper.path) ?? sleeper.path,
        sleeper,
      );
    if (this.#opener.goOnInCopy(found, stat)) return;
    const originals = this.#copies.originalsOf(fd, stat.size, reader, this.open.files.values());
    if (originals.length > 0) this.#copies.hold(key, found, originals);
    else this.#opener.start(found, stat, this.#beginsAtEnd(state, path));
  }

  reportUnreadable(path: string, error: unknown): void {
    this.#unreadable.report(path, error);
  }
}
