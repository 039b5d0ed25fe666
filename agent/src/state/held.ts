import type { GenerationRow, Note, OutboxRow } from './database.ts';

/** A row whose place on the disk is not known yet. */
export type UnplacedRow = Omit<OutboxRow, 'at'>;

export interface HeldChange {
  rows: UnplacedRow[];
  bytes: Buffer;
  generations: GenerationRow[];
  notes: Note[];
}

/** Blocks, positions and notes that the disk has not taken, the newest of each; empty in good times. */
export class HeldWrites {
  readonly blocks = new Map<number, { bytes: Buffer; row: UnplacedRow }>();
  readonly #generations = new Map<string, GenerationRow>();
  readonly #notes = new Map<string, Note>();
  /** Patterns that are followed, for the next start. */
  patterns: string[] | undefined;
  /** Bytes of the blocks. */
  bytes = 0;

  get size(): number {
    const patterns = this.patterns ? 1 : 0;
    return this.blocks.size + this.#generations.size + this.#notes.size + patterns;
  }

  hold({ rows, bytes, generations, notes }: HeldChange): void {
    // The caller uses its memory again.
    const copy = Buffer.from(bytes);
    for (const row of rows) {
      this.blocks.set(row.seq, { bytes: copy, row });
      this.bytes += copy.length;
    }
    this.holdGenerations(generations);
    for (const note of notes) this.#notes.set(note.key, note);
  }

  holdGenerations(rows: GenerationRow[]): void {
    for (const row of rows) this.#generations.set(row.id.toString('hex'), row);
  }

  deleteBlock(seq: number): void {
    const held = this.blocks.get(seq);
    if (held === undefined) return;
    this.blocks.delete(seq);
    this.bytes -= held.bytes.length;
  }

  note(key: string): string | undefined {
    return this.#notes.get(key)?.value;
  }

  /** What is to be written after the blocks: a position must not be there before its block. */
  beside(): { generations: GenerationRow[]; notes: Note[] } {
    return { generations: [...this.#generations.values()], notes: [...this.#notes.values()] };
  }

  clearBeside(): void {
    this.#generations.clear();
    this.#notes.clear();
    this.patterns = undefined;
  }
}
