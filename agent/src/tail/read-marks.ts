import { fingerprint, fingerprintBytes, readAt } from './fingerprint.ts';

/** Marks that are kept, and how far apart they are, milliseconds: making one costs a hash. */
const marksMax = 4;
const spacingMs = 500;

/**
 * What stood before some earlier positions of a file's present life. A copy that was made earlier ends before the
 * position; these tell that it is one when the file's own bytes are gone.
 */
export class ReadMarks {
  #marks: { position: number; size: number; hash: Buffer }[] = [];
  #markedMs = Number.NEGATIVE_INFINITY;
  #last: { position: number; tail: Buffer; ms: number } | undefined;

  /** Bytes up to `position` were read; `tail` are the last of them. */
  note(position: number, tail: Buffer, nowMs: number): void {
    const last = this.#last;
    this.#last = { position, tail, ms: nowMs };
    // Positions where the file stood still for a while are likelier to be a copy's end than others.
    if (last === undefined || Math.max(nowMs - last.ms, nowMs - this.#markedMs) < spacingMs) return;
    this.#markedMs = nowMs;
    this.#marks.push({ position: last.position, size: last.tail.length, hash: fingerprint(last.tail) });
    if (this.#marks.length > marksMax) this.#marks.shift();
  }

  forget(): void {
    this.#marks = [];
    this.#markedMs = Number.NEGATIVE_INFINITY;
    this.#last = undefined;
  }

  /** The first `size` bytes of a file, which end within what was read, hold what stood before a mark. */
  provedBy(fd: number, size: number): boolean {
    const mark = this.#marks.findLast(({ position }) => position <= size);
    // A short stretch may be what every life begins with.
    if (mark === undefined || (mark.position < fingerprintBytes && mark.position < size)) return false;
    return fingerprint(readAt(fd, mark.position - mark.size, mark.size)).equals(mark.hash);
  }
}
