import type { IndexerConfig } from './config.ts';
import { type Entry, EntryQueue } from './queue.ts';

interface Deferred {
  /** Monotonic time. */
  dueMs: number;
  entries: Entry[];
}

/** Documents that wait to be sent, in the order of sending. */
export class Backlog {
  readonly #config: IndexerConfig;
  /** Batches that must not be merged: halves of a request that the store refused whole. */
  #alone: Entry[][] = [];
  /** Sent once already, and due. */
  readonly #again = new EntryQueue();
  readonly #fresh = new EntryQueue();
  #deferred: Deferred[] = [];
  /** Of a request; lowered when the store finds requests too large. */
  bodyBytesMax: number;

  constructor(config: IndexerConfig) {
    this.#config = config;
    this.bodyBytesMax = config.body_bytes_max;
  }

  push(entry: Entry): void {
    this.#fresh.push(entry);
  }

  /** Sends these before fresh ones, merged as they come. */
  again(entries: readonly Entry[]): void {
    for (const entry of entries) this.#again.push(entry);
  }

  /** Sends these before all others, and each batch as it is. */
  alone(batches: Entry[][]): void {
    this.#alone.push(...batches);
  }

  /** Sends these when their time has come. */
  defer(entries: Entry[], dueMs: number): void {
    this.#deferred.push({ dueMs, entries });
  }

  get deferring(): boolean {
    return this.#deferred.length > 0;
  }

  /** The next request's documents: a full one, or, at `flushMs` or later, what there is. */
  next(now: number, flushMs: number): Entry[] | undefined {
    this.#collectDue(now);
    const alone = this.#alone.shift();
    if (alone !== undefined) return alone;
    const countMax = this.#config.body_documents_max;
    const count = this.#fresh.length + this.#again.length;
    const full = count >= countMax || this.#fresh.bytes + this.#again.bytes >= this.bodyBytesMax;
    if (count === 0 || (!full && now < flushMs)) return undefined;
    const batch: Entry[] = [];
    const bytes = this.#again.fill(batch, 0, this.bodyBytesMax, countMax);
    this.#fresh.fill(batch, bytes, this.bodyBytesMax, countMax);
    return batch;
  }

  /** When `next` has something that it does not have now, if nothing is added; monotonic time. */
  nextMs(flushMs: number): number {
    if (this.#alone.length > 0) return Number.NEGATIVE_INFINITY;
    const waits = this.#fresh.length + this.#again.length > 0;
    const due = this.#deferred.map((deferred) => deferred.dueMs);
    return Math.min(waits ? flushMs : Number.POSITIVE_INFINITY, ...due);
  }

  /** Takes out the documents of groups that nobody waits for. */
  sweep(): Entry[] {
    const swept = [...this.#again.sweep(), ...this.#fresh.sweep()];
    const keep = (entries: Entry[]) => {
      swept.push(...entries.filter((entry) => entry.group.closed));
      return entries.filter((entry) => !entry.group.closed);
    };
    this.#alone = this.#alone.map(keep).filter((entries) => entries.length > 0);
    this.#deferred = this.#deferred
      .map(({ dueMs, entries }) => ({ dueMs, entries: keep(entries) }))
      .filter(({ entries }) => entries.length > 0);
    return swept;
  }

  #collectDue(now: number): void {
    if (this.#deferred.length === 0) return;
    const later: Deferred[] = [];
    for (const deferred of this.#deferred) {
      if (deferred.dueMs > now) later.push(deferred);
      else this.again(deferred.entries);
    }
    this.#deferred = later;
  }
}
