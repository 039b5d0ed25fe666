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
  originals: Original[];
  since: number;
  grewAt: number;
  size: number;
}

/** A followed file that a suspect may be a copy of. */
interface Original {
  file: TailedFile;
  /** After how many truncations of it came the content that the suspect may be a copy of. */
  truncations: number;
  /** The suspect's size when its last bytes were seen to be the original's at the same place. */
  proven: number;
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

  /** The file that is held under a key. */
  holder(key: string): FoundPath | undefined {
    return this.#suspects.get(key)?.found;
  }

  /** The file may be the original of one that is held. */
  involve(file: TailedFile): boolean {
    return [...this.#suspects.values()].some(({ originals }) => originals.some((one) => one.file === file));
  }

  /** Followed files that this new file may be a copy of, still being written perhaps. */
  originalsOf(fd: number, size: number, reader: string, files: Iterable<TailedFile>): TailedFile[] {
    return [...files].filter(
      (file) =>
        !file.content &&
        file.reader === reader &&
        lifeCopied(fd, file) !== undefined &&
        notLonger(size, file),
    );
  }

  hold(key: string, found: FoundPath, originals: TailedFile[]): void {
    const now = this.#clock.monotonic();
    const { size } = fstatSync(found.fd);
    const known = originals.map((file): Original => {
      const truncations = lifeCopied(found.fd, file) ?? -1;
      const present = file.intact() ? file.truncations : file.truncations + 1;
      const proven = truncations === present && endsAlike(found.fd, size, file) ? size : 0;
      return { file, truncations, proven };
    });
    this.#suspects.set(key, { found, originals: known, since: now, grewAt: now, size: 0 });
  }

  /** The suspect that is the copy of this file, which was found truncated just now. */
  claim(file: TailedFile): ClaimedCopy | undefined {
    for (const [key, suspect] of this.#suspects) {
      const original = suspect.originals.find((one) => one.file === file);
      if (original?.truncations !== file.truncations) continue;
      const { fd } = suspect.found;
      const { size } = fstatSync(fd);
      // What was written after the copy was made is in the original alone: the copy then ends before `readTo`.
      const alike =
        size >= file.position
          ? holdsRead(fd, size, file)
          : original.proven === size || file.marks.provedBy(fd, size);
      if (!alike || !beginsAlike(readAt(fd, 0, fingerprintBytes), readHead(file))) continue;
      this.#suspects.delete(key);
      return { found: suspect.found, exhausted: size < file.readTo };
    }
    return undefined;
  }

  /** Lets go of suspects that turned out to be files of their own; of all when the agent stops. */
  settle(release: (found: FoundPath) => void, stopping: boolean): void {
    const now = this.#clock.monotonic();
    for (const [key, suspect] of this.#suspects) {
      const size = sizeOf(suspect.found.fd) ?? suspect.size;
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

/** Undefined on a bad disk. */
function sizeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).size;
  } catch {
    return undefined;
  }
}

/** Why a suspect may be a copy still; notes how far it is proven to be one. */
function reasonToHold({ found, originals }: Suspect, size: number): 'truncated' | 'alike' | undefined {
  const { fd } = found;
  let reason: 'truncated' | 'alike' | undefined;
  for (const original of originals) {
    const { file, truncations, proven } = original;
    try {
      if (file.closed) continue;
      const since = file.truncations - truncations;
      if (since < 0) reason = 'truncated';
      if (since !== 0 || !notLonger(size, file) || !beginsAs(fd, file)) continue;
      if (!file.intact()) reason = 'truncated';
      else if (proven === size || endsAlike(fd, size, file)) {
        reason ??= 'alike';
        original.proven = size;
      }
    } catch {
      // On a bad disk: nothing will be proven by it.
    }
  }
  return reason;
}

/** A copy is never longer than its original, until that is truncated. */
function notLonger(size: number, original: TailedFile): boolean {
  return size <= fstatSync(original.fd).size || !original.intact();
}

/** After how many truncations of the file came the content that this may be a copy of; undefined: none of it is. */
function lifeCopied(fd: number, file: TailedFile): number | undefined {
  const head = readAt(fd, 0, fingerprintBytes);
  const read = readHead(file);
  if (file.intact())
    return beginsAs(fd, file) && endsAlike(fd, fstatSync(fd).size, file) ? file.truncations : undefined;
  // Truncated, which has not been dealt with: a copy of what was there before, or of what is there now?
  const before = beginsAlike(head, read);
  if (before && holdsRead(fd, fstatSync(fd).size, file)) return file.truncations;
  if (beginsAlike(head, readAt(file.fd, 0, fingerprintBytes))) return file.truncations + 1;
  return before ? file.truncations : undefined;
}

/** It begins as the file's present life does. */
function beginsAs(fd: number, file: TailedFile): boolean {
  const read = readHead(file);
  const head = read.length > 0 ? read : readAt(file.fd, 0, fingerprintBytes);
  return beginsAlike(readAt(fd, 0, fingerprintBytes), head);
}

/** What was read last of the file stands at the same place in the copy, as far as that goes. */
function holdsRead(fd: number, size: number, { position, tail, pending }: TailedFile): boolean {
  if (size < position) return false;
  const known = Buffer.concat([tail, pending]).subarray(0, size - position + tail.length);
  return readAt(fd, position - tail.length, known.length).equals(known);
}

/** The first bytes that were read of a file's present life. */
function readHead(file: TailedFile): Buffer {
  return file.position > 0 ? file.head : file.pending.subarray(0, fingerprintBytes);
}

/** One is a beginning of the other. */
function beginsAlike(a: Buffer, b: Buffer): boolean {
  const length = Math.min(a.length, b.length);
  return length > 0 && a.subarray(0, length).equals(b.subarray(0, length));
}

/** The last bytes before `size` are the same in both. */
function endsAlike(fd: number, size: number, file: TailedFile): boolean {
  const length = Math.min(size, fingerprintBytes);
  return readAt(fd, size - length, length).equals(readAt(file.fd, size - length, length));
}
