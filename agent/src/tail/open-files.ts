import { fstatSync, type Stats } from 'node:fs';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { GenerationRow } from '../state/database.ts';
import { TailedFile } from './file.ts';
import type { SourceState } from './found.ts';
import { type Sleeper, Sleepers } from './sleepers.ts';
import { ChangeWatch } from './watch.ts';

/** How often it is asked whether files have become too old to be kept open. */
const closeQuietMs = 1_000;
/** When too many are open, this share of them is closed at once: choosing them costs a sort. */
const closeShare = 0.1;

interface OpenFilesHooks {
  /** The file is needed to tell whether another is its copy. */
  involved(file: TailedFile): boolean;
  /** No open file holds the generation any more. */
  retired(row: GenerationRow): void;
  /** Something was heard of a file. */
  stirred(): void;
}

/**
 * The files that are followed: open ones, and those asleep that would be opened if something came. Only the active
 * ones are looked at in every pass; for the others notifications are listened to, where the system gives them.
 */
export class OpenFiles {
  /** By key. */
  readonly files = new Map<string, TailedFile>();
  /** Looked at in every pass. */
  readonly active = new Set<TailedFile>();
  /** Those that no path leads to. */
  readonly leaving = new Set<TailedFile>();
  readonly sleepers = new Sleepers();
  readonly #watch: ChangeWatch<TailedFile | Sleeper>;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #hooks: OpenFilesHooks;
  readonly #states = new Map<TailSource, SourceState>();
  readonly #counts = new Map<TailSource, number>();
  #closeAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, telemetry: AgentTelemetry, max: number, hooks: OpenFilesHooks) {
    this.#clock = clock;
    this.#max = max;
    this.#hooks = hooks;
    this.#watch = new ChangeWatch(clock, telemetry, (item) => {
      if (item instanceof TailedFile) this.activate(item);
      else this.sleepers.rouse(item);
      hooks.stirred();
    });
  }

  has(key: string): boolean {
    return this.files.has(key) || this.sleepers.get(key) !== undefined;
  }

  /** The source that reads the file. */
  holder(key: string): TailSource | undefined {
    return this.files.get(key)?.source ?? this.sleepers.get(key)?.state.source;
  }

  /** What happens to the file will be heard. */
  watched(key: string): boolean {
    const item = this.files.get(key) ?? this.sleepers.get(key);
    return item !== undefined && this.#watch.has(item);
  }

  isWatched(file: TailedFile): boolean {
    return this.#watch.has(file);
  }

  add(file: TailedFile, state: SourceState): void {
    const { source } = file;
    this.#states.set(source, state);
    this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
    this.files.set(file.key, file);
    this.active.add(file);
    this.listen(file);
  }

  /** Something may have happened to the file. */
  activate(file: TailedFile): void {
    file.touched = true;
    this.active.add(file);
  }

  /** Nothing happens to the file: true when it will be heard if something does; what came before is to be read. */
  listen(file: TailedFile): boolean {
    if (file.source.pollOnly) return false;
    return this.#watch.add(file, `/proc/self/fd/${file.fd}`, file.identity.device);
  }

  /** A path leads to the file. */
  met(file: TailedFile, stat: Stats): void {
    file.goneSince = undefined;
    this.leaving.delete(file);
    const grown = file.content === undefined && stat.size !== file.readTo;
    if (!grown && stat.mtimeMs === file.metMs) return;
    file.metMs = stat.mtimeMs;
    this.activate(file);
  }

  /** Nothing tells of the file and it is quiet: it is looked at by its path, or in every pass if it has none. */
  retire(file: TailedFile): void {
    if (!this.#watch.has(file)) {
      if (file.goneSince !== undefined) return;
      this.#states.get(file.source)?.loose.add(file.path);
    }
    this.active.delete(file);
  }

  /** No path leads to the file any more. */
  leave(file: TailedFile, now: number): void {
    file.goneSince ??= now;
    this.leaving.add(file);
    if (!this.#watch.has(file)) this.active.add(file);
  }

  delete(file: TailedFile): void {
    const { source } = file;
    this.#counts.set(source, (this.#counts.get(source) ?? 1) - 1);
    this.files.delete(file.key);
    this.active.delete(file);
    this.leaving.delete(file);
    this.#watch.remove(file);
  }

  /** True when it will be heard if something happens to the file at `real`. */
  sleep(sleeper: Sleeper, real: string | Buffer, device: string): boolean {
    this.sleepers.add(sleeper);
    return !sleeper.state.source.pollOnly && this.#watch.add(sleeper, real, device);
  }

  wake(sleeper: Sleeper): void {
    this.#watch.remove(sleeper);
    this.sleepers.delete(sleeper);
  }

  /** Whether one more file of a source may be opened, after closing others if need be. */
  hasRoom(source: TailSource): boolean {
    const mine = this.#counts.get(source) ?? 0;
    const { maxOpenFiles = Number.POSITIVE_INFINITY } = source;
    if (mine >= maxOpenFiles) this.#closeSome(mine, (file) => file.source === source);
    if (this.files.size >= this.#max) this.#closeSome(this.files.size, () => true);
    return this.files.size < this.#max && (this.#counts.get(source) ?? 0) < maxOpenFiles;
  }

  /** Closes files in which nothing has been written for longer than their source keeps files open. */
  closeQuiet(now: number): void {
    if (now < this.#closeAt) return;
    this.#closeAt = now + closeQuietMs;
    for (const [source] of this.#states) {
      const limit = source.limitRecentlyModifiedMs;
      if (limit === undefined) continue;
      const before = this.#clock.now() - limit;
      for (const file of [...this.files.values()])
        if (file.source === source && !this.active.has(file) && file.metMs < before)
          this.#putToSleep(file, before);
    }
  }

  /** Milliseconds until `closeQuiet` may have something to close. */
  restMs(now: number): number {
    const limited = [...this.#states.keys()].some(
      ({ limitRecentlyModifiedMs: limit }) => limit !== undefined,
    );
    return limited ? this.#closeAt - now : Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#watch.close();
    for (const file of this.files.values()) file.close();
    this.files.clear();
    this.active.clear();
    this.leaving.clear();
  }

  #closeSome(count: number, of: (file: TailedFile) => boolean): void {
    let wanted = Math.max(1, Math.floor(count * closeShare));
    const mine = [...this.files.values()].filter(of).sort((a, b) => a.lastDataAt - b.lastDataAt);
    for (const file of mine) {
      if (wanted <= 0) return;
      if (this.#putToSleep(file)) wanted--;
    }
  }

  /** Closes a file that is read to its end; it is opened again when it is written to. */
  #putToSleep(file: TailedFile, before = Number.POSITIVE_INFINITY): boolean {
    const state = this.#states.get(file.source);
    if (state === undefined || file.goneSince !== undefined || this.#hooks.involved(file)) return false;
    if (file.content || file.pending.length > 0 || file.dirty || file.position === 0) return false;
    const { path, key, reader, identity, tag, lastReadMs, fd } = file;
    const { inode } = identity;
    const row = file.row();
    const sleeper = { state, path, key, reader, inode, size: 0, mtimeMs: 0, row, tag, lastReadMs };
    // Watched first: what is written after this is heard, what was written before shows below.
    const heard = !file.source.pollOnly && this.#watch.add(sleeper, `/proc/self/fd/${fd}`, identity.device);
    try {
      const { size, mtimeMs, nlink } = fstatSync(fd);
      if (size !== file.readTo || mtimeMs >= before || nlink === 0 || !file.intact()) {
        this.#watch.remove(sleeper);
        return false;
      }
      Object.assign(sleeper, { size, mtimeMs });
    } catch {
      this.#watch.remove(sleeper); // on a bad disk: its next turn says so
      return false;
    }
    this.delete(file);
    file.close();
    this.sleepers.add(sleeper);
    this.#hooks.retired(row);
    if (!heard) state.loose.add(path);
    return true;
  }
}
