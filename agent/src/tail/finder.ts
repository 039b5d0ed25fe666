import { closeSync, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { messageOf } from '@millrace/core/errors.ts';
import { generationText, mintGeneration } from '@millrace/core/ids/generation.ts';
import { ruleText } from '@millrace/core/rule/rule.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { CopySuspects } from './copies.ts';
import { hotMs, racyMs, TailedFile } from './file.ts';
import type { FoundPath, SourceState } from './found.ts';
import { type FileIdentity, fileKey, identityOf } from './identity.ts';
import { expandTime } from './path-time.ts';
import { recognise } from './recognise.ts';
import { expandGlobs, folderTime } from './scanner.ts';
import { lineStartBefore, standingAt } from './standing.ts';

export interface FinderOptions {
  sources: TailSource[];
  /** The tag of a file; undefined when no output takes it. */
  tagOf(source: TailSource, path: string): string | undefined;
  /** Slots that a power cut tore: their files go back to where the slots' runs began. */
  torn: OutboxRow[];
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Every file is read from its start. */
  fromHead: boolean;
}

/** Globs are expanded at least this often, whatever folders' times say. */
const expandMs = 10_000;
/** A file that grew while nobody looked is looked at closely for this long. */
const attentionMs = 1_000;

/** Files closed since the start that are remembered in case they come back into a pattern. */
const closedMax = 10_000;

/**
 * Finds the files of all sources and keeps each open until it is read to its end. Files are told apart by device and
 * inode while the agent runs, so a rename is nothing; which generation a file holds is decided here (D3).
 */
export class FileFinder {
  readonly #options: FinderOptions;
  readonly #clock: Clock;
  /** Open files by device and inode. */
  readonly files = new Map<string, TailedFile>();
  /** Paths that cannot be followed: reported once. */
  readonly #unreadable = new Set<string>();
  readonly #copies: CopySuspects;
  readonly #sources: SourceState[];
  /** Offsets to go back to, by generation. */
  readonly #rewind = new Map<string, number>();
  /** What earlier runs knew, by inode. */
  readonly #stored: Map<string, GenerationRow[]>;
  /** Files that left their pattern and were closed: their rows and tags by file key, oldest first. */
  readonly #closed = new Map<string, { row: GenerationRow; tag: string }>();
  #scans = 0;

  constructor(options: FinderOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#stored = Map.groupBy(options.outbox.generations(), (row) => row.inode);
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
      empty: [],
      emptyAt: Number.NEGATIVE_INFINITY,
      expandedAt: Number.NEGATIVE_INFINITY,
      statedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  /** Runs of torn slots whose generation no file holds any more. */
  lostRuns(): OutboxRow['runs'] {
    return this.#options.torn.flatMap((row) => row.runs).filter((run) => this.#rewind.has(run.generation));
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

  /** A new file may turn out to be a copy of another. */
  get undecided(): boolean {
    return this.#copies.size > 0;
  }

  /** Closes a file that left its pattern; `gone`: it cannot come back. */
  forget(file: TailedFile, gone: boolean): void {
    const key = fileKey(file.identity);
    this.files.delete(key);
    file.close();
    if (gone) return;
    this.#closed.set(key, { row: file.row(), tag: file.tag });
    const [oldest] = this.#closed.keys();
    if (this.#closed.size > closedMax && oldest !== undefined) this.#closed.delete(oldest);
  }

  close(): void {
    for (const file of this.files.values()) file.close();
    this.files.clear();
    this.#copies.close();
  }

  /** Looks for new, renamed and vanished files where something may have changed; cheap enough for every tick. */
  scan(stopping: boolean): void {
    const now = this.#clock.monotonic();
    this.#scans++;
    for (const state of this.#sources) {
      const due = now - state.statedAt >= state.source.refreshIntervalMs;
      if (due || this.#foldersChanged(state)) this.#expand(state, now);
      else this.#meetEmpty(state, now);
    }
    this.#copies.settle((found) => this.#start(found, fstatSync(found.fd)), stopping);
  }

  /** First bytes change no folder: files that were empty are looked at on their own. */
  #meetEmpty(state: SourceState, now: number): void {
    if (now - state.emptyAt < state.empty.length) return;
    state.emptyAt = now;
    for (const path of state.empty.splice(0)) this.#meet(state, path);
  }

  #foldersChanged(state: SourceState): boolean {
    return state.found.folders.some((folder) => folderTime(folder) !== state.folderTimes.get(folder));
  }

  #expand(state: SourceState, now: number): void {
    const wall = this.#clock.now();
    if (now - state.expandedAt >= expandMs || this.#foldersChanged(state) || state.expandedAt < 0) {
      const { paths, excludePaths, pathTimeZone } = state.source;
      const dated = (path: string) => expandTime(path, wall, pathTimeZone);
      state.found = expandGlobs(paths.map(dated), excludePaths.map(dated));
      state.expandedAt = now;
      state.folderTimes.clear();
      for (const folder of state.found.folders) {
        const time = folderTime(folder);
        // Changed just now: it could change again without its time showing it, so it counts as changed next time.
        if (wall - time > racyMs) state.folderTimes.set(folder, time);
      }
    }
    state.statedAt = now;
    state.empty = [];
    const present = new Set<string>();
    for (const path of state.found.files) {
      const key = this.#meet(state, path);
      if (key) present.add(key);
    }
    for (const [key, file] of this.files) {
      if (file.source !== state.source) continue;
      if (present.has(key)) file.goneSince = undefined;
      else file.goneSince ??= now;
    }
  }

  /** A path that a glob matches: returns the key of the file behind it. */
  #meet(state: SourceState, path: string): string | undefined {
    let stat: Stats | undefined;
    let key: string;
    try {
      stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile()) return undefined;
      key = fileKey(identityOf(stat, () => statSync(path, { bigint: true })));
    } catch (error) {
      this.reportUnreadable(path, error);
      return undefined;
    }
    const file = this.files.get(key);
    if (file) {
      if (file.source === state.source) file.path = path;
      if (stat.size !== file.readTo)
        file.lastDataAt = Math.max(file.lastDataAt, this.#clock.monotonic() - hotMs + attentionMs);
      return key;
    }
    // An empty file has no identity yet.
    if (stat.size === 0) state.empty.push(path);
    else if (!this.#copies.holds(key)) this.#consider(state, path, key);
    return key;
  }

  #consider(state: SourceState, path: string, key: string): void {
    if (this.#options.tagOf(state.source, path) === undefined) {
      this.reportUnreadable(path, 'no <match> takes its tag');
      return;
    }
    let fd: number | undefined;
    try {
      fd = openSync(path, 'r');
      this.#follow(state, path, key, fd);
      this.#unreadable.delete(path);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      this.reportUnreadable(path, error);
    }
  }

  #follow(state: SourceState, path: string, key: string, fd: number): void {
    const stat = fstatSync(fd);
    const identity = identityOf(stat, () => fstatSync(fd, { bigint: true }));
    if (fileKey(identity) !== key || this.files.has(key)) {
      closeSync(fd); // replaced between stat and open: the next scan meets it
      return;
    }
    if (this.#resume(state, path, fd, stat, identity)) return;
    const originals = this.#scans === 1 ? [] : this.#copies.originalsOf(fd, stat.size, this.files.values());
    const found = { state, path, fd, identity };
    if (originals.length > 0) this.#copies.hold(key, found, originals);
    else this.#start(found, stat);
  }

  #resume(state: SourceState, path: string, fd: number, stat: Stats, identity: FileIdentity): boolean {
    const birthIsReal = stat.birthtimeMs > 0 && stat.birthtimeMs !== stat.ctimeMs;
    const { outbox, telemetry } = this.#options;
    const key = fileKey(identity);
    const closed = this.#closed.get(key);
    this.#closed.delete(key);
    // Under another tag its blocks would overtake those that are on their way: it is then a file not seen before.
    const known = closed?.tag === this.#options.tagOf(state.source, path) ? closed?.row : undefined;
    const stored = this.#stored.get(identity.inode) ?? [];
    const result = known
      ? recognise({ fd, size: stat.size, identity, birthIsReal }, [known], 'none')
      : recognise({ fd, size: stat.size, identity, birthIsReal }, stored, outbox.suspicion);
    if (result.kind === 'unknown') return false;
    const others = stored.filter((row) => row !== result.row);
    this.#stored.set(identity.inode, others);
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
    const { outbox, telemetry } = this.#options;
    const generation = mintGeneration(this.#clock);
    const fromEnd =
      this.#scans === 1 && outbox.fresh && !found.state.source.readFromHead && !this.#options.fromHead;
    const position = fromEnd ? lineStartBefore(found.fd, stat.size) : 0;
    const file = this.#open(found, { generation, ...standingAt(found.fd, position, stat) });
    file.dirty = fromEnd;
    telemetry.emit('file_found', { path: found.path, tag: file.tag, size: stat.size, position });
  }

  #open(
    found: FoundPath,
    at: Pick<TailedFile, 'generation' | 'position' | 'head' | 'tail' | 'oldUntil' | 'oldMs'>,
  ): TailedFile {
    const { state, path, fd, identity } = found;
    const tag = this.#options.tagOf(state.source, path) ?? '';
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
    this.files.set(fileKey(identity), file);
    return file;
  }

  /** Reported once, until it can be read. */
  reportUnreadable(path: string, error: unknown): void {
    if (this.#unreadable.has(path)) return;
    this.#unreadable.add(path);
    this.#options.telemetry.emit('file_unreadable', { path, error: messageOf(error) });
  }
}
