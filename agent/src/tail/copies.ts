import { closeSync, fstatSync } from 'node:fs';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailedFile } from './file.ts';
import type { FoundPath } from './finder.ts';
import { readAt } from './fingerprint.ts';

/** A suspect is let go when its original was not truncated for this long after the suspect last grew. */
const holdMs = 5_000;
/** However long it grows: a copy of a file takes minutes at most. */
const holdMsMax = 600_000;

interface Suspect {
  found: FoundPath;
  originals: TailedFile[];
  /** Generations of the originals when the suspect was met. */
  generations: Buffer[];
  since: number;
  grewAt: number;
  size: number;
}

/**
 * New files whose content begins as a followed file's does. With copytruncate, the copy appears first and the
 * original is truncated after it: only that order of events proves that the new file is the copy, and the copy then
 * goes on in place of the original, from its position. Without the truncation it is a file of its own, however alike.
 */
export class CopySuspects {
  readonly #clock: Clock;
  readonly #suspects = new Map<string, Suspect>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  holds(key: string): boolean {
    return this.#suspects.has(key);
  }

  /** Followed files that this new file may be a copy of, still being written perhaps. */
  originalsOf(fd: number, size: number, files: Iterable<TailedFile>): TailedFile[] {
    return [...files].filter((file) => file.position > 0 && couldBeCopy(fd, size, file));
  }

  hold(key: string, found: FoundPath, originals: TailedFile[]): void {
    const now = this.#clock.monotonic();
    const generations = originals.map((file) => file.generation);
    this.#suspects.set(key, { found, originals, generations, since: now, grewAt: now, size: 0 });
  }

  /** The suspect that is the copy of this file, which was found truncated just now. */
  claim(file: TailedFile): FoundPath | undefined {
    for (const [key, suspect] of this.#suspects) {
      const index = suspect.originals.indexOf(file);
      if (index < 0 || suspect.generations[index] !== file.generation) continue;
      const { fd } = suspect.found;
      const { size } = fstatSync(fd);
      const tail = readAt(fd, file.position - file.tail.length, file.tail.length);
      if (size < file.position || !tail.equals(file.tail) || !beginsAlike(fd, size, file)) continue;
      this.#suspects.delete(key);
      return suspect.found;
    }
    return undefined;
  }

  /** Lets go of suspects that turned out to be files of their own. */
  settle(release: (found: FoundPath) => void): void {
    const now = this.#clock.monotonic();
    for (const [key, suspect] of this.#suspects) {
      const { size } = fstatSync(suspect.found.fd);
      if (size !== suspect.size) {
        suspect.size = size;
        suspect.grewAt = now;
      }
      const alike = suspect.originals.some(
        (file, i) => file.generation === suspect.generations[i] && couldBeCopy(suspect.found.fd, size, file),
      );
      if (alike && now - suspect.grewAt < holdMs && now - suspect.since < holdMsMax) continue;
      this.#suspects.delete(key);
      release(suspect.found);
    }
  }

  close(): void {
    for (const suspect of this.#suspects.values()) closeSync(suspect.found.fd);
    this.#suspects.clear();
  }
}

/** A copy is never longer than its original, until that is truncated. */
function couldBeCopy(fd: number, size: number, original: TailedFile): boolean {
  const { size: originalSize } = fstatSync(original.fd);
  if (originalSize >= original.readTo && size > originalSize) return false;
  return beginsAlike(fd, size, original);
}

/** One is a beginning of the other, as far as the followed file's head tells. */
function beginsAlike(fd: number, size: number, file: TailedFile): boolean {
  const length = Math.min(size, file.head.length);
  if (length === 0) return false;
  return readAt(fd, 0, length).equals(file.head.subarray(0, length));
}
