import { fstatSync, type Stats } from 'node:fs';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailSource } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { ClaimedCopy } from './copies.ts';
import { TailedFile } from './file.ts';
import type { FormerFiles } from './former.ts';
import type { FileWay, FoundPath } from './found.ts';
import type { OpenFiles } from './open-files.ts';
import { lineStartBefore, standingAt } from './standing.ts';
import type { StoredFiles } from './stored.ts';

interface OpenerOptions {
  wayOf(source: TailSource, path: string): FileWay | undefined | null;
  clock: Clock;
  telemetry: AgentTelemetry;
}

/** What a file is read as, and from where. */
type Standing = Pick<TailedFile, 'generation' | 'position' | 'head' | 'tail' | 'oldUntil' | 'oldMs'> & {
  continues?: boolean;
  dropping?: boolean;
  content?: TailedFile['content'];
};

/** Begins to follow files: as generations that are known, or as new ones. */
export class FileOpener {
  readonly #options: OpenerOptions;
  readonly #clock: Clock;
  readonly #files: OpenFiles;
  readonly #stored: StoredFiles;
  readonly #former: FormerFiles;

  constructor(options: OpenerOptions, files: OpenFiles, stored: StoredFiles, former: FormerFiles) {
    this.#options = options;
    this.#clock = options.clock;
    this.#files = files;
    this.#stored = stored;
    this.#former = former;
  }

  open({ state, path, fd, identity, key, reader }: FoundPath, at: Standing): TailedFile {
    const { source } = state;
    const way = this.#options.wayOf(source, path);
    if (!way) throw new TypeError(`file ${path} is followed but its tag goes nowhere`);
    const now = this.#clock.monotonic();
    const file = new TailedFile({ path, source, ...way, identity, key, reader, fd, now, ...at });
    this.#files.add(file, state);
    return file;
  }

  /** A file seen for the first time: a new generation, from its head or (first look, as fluentd) its end. */
  start(found: FoundPath, stat: Stats, fromEnd: boolean): void {
    const generation = mintGeneration(this.#clock);
    const position = fromEnd ? lineStartBefore(found.fd, stat.size) : 0;
    const file = this.open(found, { generation, ...standingAt(found.fd, position, stat) });
    file.dirty = fromEnd;
    const { path } = found;
    this.#options.telemetry.emit('file_found', { path, tag: file.tag, size: stat.size, position });
  }

  /** Goes on in a file that was read before; false when it is not known, or not proven to be the same. */
  resume(found: FoundPath, stat: Stats): boolean {
    const { state, path, fd, key, identity, reader } = found;
    const { birthtimeMs, ctimeMs, size } = stat;
    const sleeper = this.#files.sleepers.get(key);
    if (sleeper) this.#files.wake(sleeper);
    const former = this.#former.take(key);
    const before = sleeper?.row ? { row: sleeper.row, tag: sleeper.tag } : former;
    // Under another tag its blocks would overtake those that are on their way: it is then a file not seen before.
    const known = before?.tag === this.#options.wayOf(state.source, path)?.tag ? before?.row : undefined;
    const birthIsReal = birthtimeMs > 0 && birthtimeMs !== ctimeMs;
    const resumed = this.#stored.resume({ fd, size, identity, birthIsReal, path, reader }, known);
    if (resumed === undefined) {
      if (known && sleeper) this.#former.replaced(known, this.#clock.monotonic());
      return false;
    }
    const { row, position, head, tail } = resumed;
    const { id: generation, oldUntil, oldMs, continues, dropping } = row;
    const cutAt = position < row.position ? {} : { continues, dropping };
    const file = this.open(found, { generation, position, head, tail, oldUntil, oldMs, ...cutAt });
    file.dirty = true;
    file.lastReadMs = sleeper?.lastReadMs;
    if (!sleeper) this.#options.telemetry.emit('file_resumed', { path, position, size });
    return true;
  }

  /** The file that it is a copy of was asleep, and was truncated or replaced before anyone looked. */
  goOnInCopy(found: FoundPath, stat: Stats): boolean {
    const { fd, path, reader } = found;
    const row = this.#former.takeCopied(fd, stat.size, reader, this.#clock.monotonic());
    if (row === undefined) return false;
    const { id: generation, position, oldUntil, oldMs, continues, dropping } = row;
    const { head, tail } = standingAt(fd, position, stat);
    const at = { generation, position, head, tail, oldUntil, oldMs, continues, dropping };
    this.open(found, at).dirty = true;
    this.#options.telemetry.emit('copy_adopted', { path, of: row.path, position });
    return true;
  }

  /** A copy goes on in place of the file whose content was replaced, or (`exhausted`) holds nothing new. */
  adopt(file: TailedFile, { found, exhausted }: ClaimedCopy): { path: string; goesOn: boolean } {
    const { path, fd } = found;
    if (exhausted) {
      // Its bytes belong to the file's generation, which goes further than they do; what may follow them is new.
      const stat = fstatSync(fd);
      const generation = mintGeneration(this.#clock);
      this.open(found, { generation, ...standingAt(fd, stat.size, stat) }).dirty = true;
      return { path, goesOn: false };
    }
    const { generation, position, head, tail, oldUntil, oldMs } = file;
    const { continues, dropping } = file.row();
    const at = { generation, position, head, tail, oldUntil, oldMs, continues, dropping };
    this.open(found, at).dirty = true;
    return { path, goesOn: true };
  }
}
