import { generationText } from '@millrace/core/ids/generation.ts';
import type { AgentTelemetry } from '../events.ts';
import type { GenerationRow, OutboxRow } from '../state/database.ts';
import type { Outbox } from '../state/outbox.ts';
import { type FoundFile, recognise } from './recognise.ts';

/** Where reading of a recognised file goes on. */
export interface Resumed {
  row: GenerationRow;
  position: number;
  head: Buffer;
  tail: Buffer;
}

/** What earlier runs knew of files, and the offsets to go back to because slots were torn. */
export class StoredFiles {
  readonly #outbox: Outbox;
  readonly #telemetry: AgentTelemetry;
  readonly #torn: OutboxRow[];
  /** By inode. */
  readonly #rows: Map<string, GenerationRow[]>;
  /** Offsets to go back to, by generation. */
  readonly #rewind = new Map<string, number>();

  constructor(outbox: Outbox, torn: OutboxRow[], telemetry: AgentTelemetry) {
    this.#outbox = outbox;
    this.#telemetry = telemetry;
    this.#torn = torn;
    this.#rows = Map.groupBy(outbox.generations(), (row) => row.inode);
    for (const run of torn.flatMap((row) => row.runs)) {
      const from = this.#rewind.get(run.generation) ?? run.from;
      this.#rewind.set(run.generation, Math.min(from, run.from));
    }
  }

  /** Runs of torn slots whose generation no file holds any more. */
  lostRuns(): OutboxRow['runs'] {
    return this.#torn.flatMap((row) => row.runs).filter((run) => this.#rewind.has(run.generation));
  }

  /** Where a generation is to be read again from, when no file has been found to hold it so far. */
  rewindOf(id: Buffer): number | undefined {
    return this.#rewind.get(generationText(id));
  }

  /** Rows of a file that nobody has opened since the start. */
  of(inode: string): GenerationRow[] {
    return this.#rows.get(inode) ?? [];
  }

  /** `known`: what this run has seen of the file before it was closed. */
  resume(
    found: FoundFile & { path: string; reader: string },
    known: GenerationRow | undefined,
  ): Resumed | undefined {
    const { inode } = found.identity;
    const stored = this.of(inode);
    const mine = stored.filter((row) => row.reader === found.reader);
    const result = known ? recognise(found, [known], 'none') : recognise(found, mine, this.#outbox.suspicion);
    if (result.kind === 'unknown') return undefined;
    const { row } = result;
    this.#rows.set(
      inode,
      stored.filter((each) => each !== row),
    );
    if (result.kind === 'unproven') {
      const { reason } = result;
      this.#telemetry.emit('file_unproven', { path: found.path, reason, position: row.position });
      return undefined;
    }
    const generation = generationText(row.id);
    const position = Math.min(row.position, this.#rewind.get(generation) ?? row.position);
    this.#rewind.delete(generation);
    return {
      row,
      position,
      head: result.head.subarray(0, position),
      // The bytes before an earlier position are not known; the next read finds out what they are.
      tail: position < row.position ? Buffer.alloc(0) : result.tail,
    };
  }
}
