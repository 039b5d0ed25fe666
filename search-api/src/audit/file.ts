import { appendFile } from 'node:fs/promises';
import { messageOf } from '@millrace/core/errors.ts';
import type { Emit } from '@millrace/core/telemetry/events.ts';
import type { Events } from '../events.ts';

/** Lines that wait while the file is being written; more are counted as missing. */
const waitingMax = 10_000;

/**
 * Appends JSON lines to a file, opening it anew for every write: whoever rotates it, by renaming or by truncating,
 * loses none.
 */
export class AuditFile {
  readonly #path: string;
  readonly #emit: Emit<Events>;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  constructor(path: string, emit: Emit<Events>) {
    this.#path = path;
    this.#emit = emit;
  }

  write(line: Record<string, unknown>): void {
    if (this.#waiting.length >= waitingMax) {
      this.#emit('audit_unwritten', { lines: 1, path: this.#path, reason: 'the disk is too slow' });
      return;
    }
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything that was written so far is in the file. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await appendFile(this.#path, lines.join(''), { mode: 0o600 });
      } catch (error) {
        this.#emit('audit_unwritten', { lines: lines.length, path: this.#path, reason: messageOf(error) });
      }
    }
    this.#writing = undefined;
  }
}
