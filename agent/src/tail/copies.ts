import { closeSync, fstatSync } from 'node:fs';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { TailedFile } from './file.ts';
import { fingerprintBytes, readAt } from './fingerprint.ts';
import type { FoundPath } from './found.ts';

/** A suspect is let go when its original was not truncated for this long after the suspect last grew. */
const holdMs = 5_000;
/** However long it grows: a copy of a file takes minutes at most. */
const holdMsMax = 600_000;

interface Suspect {
  found: FoundPath;
  originals: TailedFile[];
  /** Generations of the originals when the suspect was met. */
  generations: Buffer[];
  /** For each original: the suspect's size when its last bytes were seen to be the original's at the same place. */
  proven: number[];
  since: number;
  grewAt: number;
  size: number;
}

/** `exhausted`: everything in the copy was read in the original already. */
export interface ClaimedCopy {
  found: FoundPath;
  exhausted: boolean;
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

  get size(): number {
    return this.#suspects.size;
  }

  holds(key: string): boolean {
    return this.#suspects.has(key);
  }

  /** Followed files that this new file may be a copy of, still being written perhaps. */
  originalsOf(fd: number, size: number, files: Iterable<TailedFile>): TailedFile[] {
    const head = readAt(fd, 0, Math.min(size, fingerprintBytes));
    return [...files].filter(
      (file) => file.position > 0 && beginsAlike(head, file) && couldBeCopy(fd, size, file),
    );
  }

  hold(key: string, found: FoundPath, originals: TailedFile[]): void {
    const now = this.#clock.monotonic();
    const generations = originals.map((file) => file.generation);
    const proven = originals.map(() => 0);
    this.#suspects.set(key, { found, originals, generations, proven, since: now, grewAt: now, size: 0 });
  }

  /** The suspect that is the copy of this file, which was found truncated just now. */
  claim(file: TailedFile): ClaimedCopy | undefined {
    for (const [key, suspect] of this.#suspects) {
      const index = suspect.originals.indexOf(file);
      if (index < 0 || suspect.generations[index] !== file.generation) continue;
      const { fd } = suspect.found;
      const { size } = fstatSync(fd);
      // What was written after the copy was made is in the original alone: the copy then ends before `readTo`.
      const known = Buffer.concat([file.tail, file.pending]).subarray(
        0,
        size - file.position + file.tail.length,
      );
      const alike =
        size >= file.position
          ? readAt(fd, file.position - file.tail.length, known.length).equals(known)
          : suspect.proven[index] === size;
      if (!alike || !beginsAlike(readAt(fd, 0, file.head.length), file)) continue;
      this.#suspects.delete(key);
      return { found: suspect.found, exhausted: size < file.readTo };
    }
    return undefined;
  }

  /** Lets go of suspects that turned out to be files of their own; of all when the agent stops. */
  settle(release: (found: FoundPath) => void, stopping: boolean): void {
    const now = this.#clock.monotonic();
    for (const [key, suspect] of this.#suspects) {
      const { size } = fstatSync(suspect.found.fd);
      if (size !== suspect.size) {
        suspect.size = size;
        suspect.grewAt = now;
      }
      const reason = reasonToHold(suspect, size);
      const waits = now - suspect.grewAt < holdMs && now - suspect.since < holdMsMax;
      // A truncation that is not dealt with yet (the outbox is full) proves as much when it is.
      if (reason === 'truncated' || (reason === 'alike' && waits && !stopping)) continue;
      this.#suspects.delete(key);
      release(suspect.found);
    }
  }

  close(): void {
    for (const suspect of this.#suspects.values()) closeSync(suspect.found.fd);
    this.#suspects.clear();
  }
}

/** Why a suspect may be a copy still; notes how far it is proven to be one. */
function reasonToHold(suspect: Suspect, size: number): 'truncated' | 'alike' | undefined {
  const { fd } = suspect.found;
  let reason: 'truncated' | 'alike' | undefined;
  for (const [i, file] of suspect.originals.entries()) {
    try {
      if (file.generation !== suspect.generations[i] || !couldBeCopy(fd, size, file)) continue;
      if (!file.intact()) reason = 'truncated';
      else {
        reason ??= 'alike';
        if (suspect.proven[i] !== size && endsAlike(fd, size, file)) suspect.proven[i] = size;
      }
    } catch {
      // Closed meanwhile, or on a bad disk: nothing will be proven by it.
    }
  }
  return reason;
}

/** A copy is never longer than its original, until that is truncated. */
function couldBeCopy(fd: number, size: number, original: TailedFile): boolean {
  const { size: originalSize } = fstatSync(original.fd);
  if (originalSize >= original.readTo && size > originalSize) return false;
  return beginsAlike(readAt(fd, 0, original.head.length), original);
}

/** One is a beginning of the other, as far as the followed file's head tells. */
function beginsAlike(head: Buffer, file: TailedFile): boolean {
  const length = Math.min(head.length, file.head.length);
  return length > 0 && head.subarray(0, length).equals(file.head.subarray(0, length));
}

/** The last bytes before `size` are the same in both. */
function endsAlike(fd: number, size: number, file: TailedFile): boolean {
  const length = Math.min(size, fingerprintBytes);
  return readAt(fd, size - length, length).equals(readAt(file.fd, size - length, length));
}
