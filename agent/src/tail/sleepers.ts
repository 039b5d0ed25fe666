import type { Stats } from 'node:fs';
import type { GenerationRow } from '../state/database.ts';
import { fingerprint, readAt } from './fingerprint.ts';
import type { SourceState } from './found.ts';

/** A file that is matched but not open: nothing is to be read in it until it is written to. */
export interface Sleeper {
  state: SourceState;
  path: string;
  key: string;
  reader: string;
  inode: string;
  size: number;
  mtimeMs: number;
  /** Where it was read to, and under which tag, when it was open before. */
  row: GenerationRow | undefined;
  tag: string;
  /** Wall clock. */
  lastReadMs: number | undefined;
}

/** The matched files that are not open, by key. */
export class Sleepers {
  readonly #byKey = new Map<string, Sleeper>();
  /** Those that were heard to have changed. */
  readonly #roused = new Set<Sleeper>();

  get(key: string): Sleeper | undefined {
    return this.#byKey.get(key);
  }

  add(sleeper: Sleeper): void {
    this.#byKey.set(sleeper.key, sleeper);
  }

  delete(sleeper: Sleeper): void {
    this.#byKey.delete(sleeper.key);
    this.#roused.delete(sleeper);
  }

  values(): Iterable<Sleeper> {
    return this.#byKey.values();
  }

  /** Something happened to it: other bytes may stand there although its size and time are what they were. */
  rouse(sleeper: Sleeper): void {
    sleeper.mtimeMs = Number.NaN;
    this.#roused.add(sleeper);
  }

  get roused(): boolean {
    return this.#roused.size > 0;
  }

  takeRoused(): Sleeper[] {
    if (this.#roused.size === 0) return [];
    const roused = [...this.#roused];
    this.#roused.clear();
    return roused;
  }

  /** Those that were read before and begin as the file does: it may be a copy of one. */
  alike(fd: number, size: number, reader: string): Sleeper[] {
    const hashes = new Map<number, Buffer>();
    const hashOf = (length: number) => {
      const hash = hashes.get(length) ?? fingerprint(readAt(fd, 0, length));
      hashes.set(length, hash);
      return hash;
    };
    return [...this.#byKey.values()].filter(
      ({ row, reader: by }) =>
        row !== undefined &&
        by === reader &&
        row.headSize > 0 &&
        row.headSize <= size &&
        hashOf(row.headSize).equals(row.headHash),
    );
  }
}

export function isAsleep(sleeper: Sleeper, stat: Stats): boolean {
  return stat.size === sleeper.size && stat.mtimeMs === sleeper.mtimeMs;
}
