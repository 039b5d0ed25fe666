import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { addCounts, type Counts, noCounts } from './counts.ts';

/**
 * What of a replay is done: a line for each object, so that one that was killed goes on where it was. Losing it, or
 * its last line, costs time only: replays may be repeated.
 */
export class Journal {
  readonly file: string;
  /** Milliseconds since 1970 that relative times are read with: those of the first start. */
  readonly nowMs: number;
  readonly done = new Set<string>();
  readonly counts: Counts = noCounts();
  /** Open, not named again: one alike that ends first takes the file away, and a file without its head fits nothing. */
  readonly #open: number;

  /** @throws MillraceError USAGE for a file of another replay, STATE_UNWRITABLE */
  constructor(file: string, asked: Record<string, unknown>, nowMs: number) {
    this.file = file;
    const text = readText(file);
    // A last line without its end was being written when the process died.
    const [head, ...lines] = text.split('\n').slice(0, -1);
    const mine = JSON.stringify(asked);
    if (head === undefined) {
      this.nowMs = nowMs;
      this.#open = this.#write(() => {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, `${JSON.stringify({ v: 1, asked, nowMs })}\n`);
        return openSync(file, 'a');
      });
      return;
    }
    const first = parsed(head) as { v?: number; asked?: unknown; nowMs?: number } | undefined;
    if (first?.v !== 1 || JSON.stringify(first.asked) !== mine) {
      throw new MillraceError('USAGE', `${file} is of another replay`, {
        hint: 'start it with the same arguments, or name another file with --state',
      });
    }
    this.nowMs = first.nowMs ?? nowMs;
    for (const line of lines) {
      const entry = parsed(line) as { object?: string; counts?: Partial<Counts> } | undefined;
      if (entry?.object === undefined) continue;
      this.done.add(entry.object);
      addCounts(this.counts, entry.counts ?? {});
    }
    this.#open = this.#write(() => openSync(file, 'a'));
    if (!text.endsWith('\n')) this.#write(() => appendFileSync(this.#open, '\n'));
  }

  add(object: string, counts: Partial<Counts>): void {
    this.#write(() => appendFileSync(this.#open, `${JSON.stringify({ object, counts })}\n`));
  }

  remove(): void {
    closeSync(this.#open);
    rmSync(this.file, { force: true });
  }

  #write<T>(write: () => T): T {
    try {
      return write();
    } catch (cause) {
      throw new MillraceError('STATE_UNWRITABLE', `${this.file}: ${messageOf(cause)}`, {
        cause,
        hint: 'name a writable file with --state',
      });
    }
  }
}

/** Where a replay is noted when it is not said: the same arguments find the same file. */
export function journalFile(stateDir: string, asked: Record<string, unknown>): string {
  const name = createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 16);
  return join(stateDir, 'replays', `${name}.jsonl`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new MillraceError('STATE_UNWRITABLE', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
