import type { GenerationRow } from '../state/database.ts';
import { fingerprint, readAt } from './fingerprint.ts';

/** Files closed since the start that are remembered in case they come back into a pattern. */
const closedMax = 10_000;
/** Replaced contents that a copy may turn up of, and for how long, milliseconds. */
const replacedMax = 1_000;
const replacedMs = 5_000;

/** What was read of a file, under which tag. */
interface Former {
  row: GenerationRow;
  tag: string;
}

/** What this run has read in files that it has closed since. */
export class FormerFiles {
  /** By file key, oldest first. */
  readonly #closed = new Map<string, Former>();
  #replaced: { row: GenerationRow; at: number }[] = [];

  /** A file left its pattern; it may come back. */
  closed(key: string, row: GenerationRow, tag: string): void {
    this.#closed.set(key, { row, tag });
    const [oldest] = this.#closed.keys();
    if (this.#closed.size > closedMax && oldest !== undefined) this.#closed.delete(oldest);
  }

  take(key: string): Former | undefined {
    const former = this.#closed.get(key);
    this.#closed.delete(key);
    return former;
  }

  /** The content of a file that was asleep is not there any more: a copy may have been made before. */
  replaced(row: GenerationRow, now: number): void {
    this.#replaced.push({ row, at: now });
    if (this.#replaced.length > replacedMax) this.#replaced.shift();
  }

  /** The replaced content that a new file holds, all that was read of it. It goes on there, and only there. */
  takeCopied(fd: number, size: number, reader: string, now: number): GenerationRow | undefined {
    this.#replaced = this.#replaced.filter(({ at }) => now - at < replacedMs);
    const found = this.#replaced.find(({ row }) => row.reader === reader && holds(fd, size, row));
    this.#replaced = this.#replaced.filter((each) => each !== found);
    return found?.row;
  }
}

function holds(fd: number, size: number, row: GenerationRow): boolean {
  if (row.position === 0 || size < row.position) return false;
  const head = readAt(fd, 0, row.headSize);
  const tail = readAt(fd, row.position - row.tailSize, row.tailSize);
  return fingerprint(head).equals(row.headHash) && fingerprint(tail).equals(row.tailHash);
}
