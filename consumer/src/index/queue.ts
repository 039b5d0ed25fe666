import type { RenderedDocument } from '@millrace/core/document/types.ts';
import type { Group } from './group.ts';

/** A document on its way into the store. */
export interface Entry {
  document: RenderedDocument;
  group: Group;
  /** Id of the block it is of, when known. */
  block: string | undefined;
  /** Of its two lines in a `_bulk` body. */
  bytes: number;
  /** How often the store has put it off. */
  deferred: number;
  /** Set when `document` is the fallback shape: why. */
  reason: string | undefined;
}

/** Entries in order; both ends are cheap. */
export class EntryQueue {
  #entries: Entry[] = [];
  #head = 0;
  bytes = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.bytes += entry.bytes;
  }

  /**
   * Moves entries from the front to the end of `batch`, which holds `bytes`, while it stays within its bounds;
   * into an empty batch one always fits. Returns the bytes of the batch.
   */
  fill(batch: Entry[], bytes: number, bytesMax: number, countMax: number): number {
    let total = bytes;
    while (this.#head < this.#entries.length && batch.length < countMax) {
      const entry = this.#entries[this.#head] as Entry;
      if (batch.length > 0 && total + entry.bytes > bytesMax) break;
      batch.push(entry);
      total += entry.bytes;
      this.bytes -= entry.bytes;
      this.#head++;
    }
    if (this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return total;
  }

  /** Takes out the entries of groups that nobody waits for. */
  sweep(): Entry[] {
    const swept: Entry[] = [];
    const kept: Entry[] = [];
    for (const entry of this.#entries.slice(this.#head)) (entry.group.closed ? swept : kept).push(entry);
    this.#entries = kept;
    this.#head = 0;
    for (const entry of swept) this.bytes -= entry.bytes;
    return swept;
  }
}
