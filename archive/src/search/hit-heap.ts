import { compareHits } from '@millrace/core/store/hit-order.ts';
import type { FoundHit } from './block-scanner.ts';

/** Rough bytes of a hit in memory beside its text. */
const hitBytes = 600;

/** Hits in order, and how many of them were taken. */
interface Run {
  hits: FoundHit[];
  taken: number;
}

/** Hits that wait for their turn, the first in order on top, in bounded memory. */
export class HitHeap {
  readonly #order: 'asc' | 'desc';
  readonly #bytesMax: number;
  /** A heap by their first hits: what threads answer is in order, and so need not be sorted once more. */
  #runs: Run[] = [];
  #bytes = 0;
  #lost: FoundHit | undefined;

  constructor(order: 'asc' | 'desc', bytesMax: number) {
    this.#order = order;
    this.#bytesMax = bytesMax;
  }

  get top(): FoundHit | undefined {
    const [run] = this.#runs;
    return run?.hits[run.taken];
  }

  /** Rough bytes of what waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first of those that there was no room for: what comes behind it is not complete. */
  get lost(): FoundHit | undefined {
    return this.#lost;
  }

  /**
   * @param hits in order
   * @returns rough bytes of them
   */
  push(hits: FoundHit[]): number {
    const before = this.#bytes;
    const lost = this.#lost;
    const first = lost === undefined ? -1 : hits.findIndex((hit) => this.#compare(hit, lost) >= 0);
    this.#add(first < 0 ? hits : hits.slice(0, first));
    const added = this.#bytes - before;
    if (this.#bytes > this.#bytesMax) this.#halve();
    return added;
  }

  pop(): FoundHit | undefined {
    const [run] = this.#runs;
    const top = run?.hits[run.taken];
    if (run === undefined || top === undefined) return undefined;
    this.#bytes -= weight(top);
    run.taken++;
    if (run.taken === run.hits.length) {
      const last = this.#runs.pop();
      if (last === undefined || last === run) return top;
      this.#runs[0] = last;
    }
    this.#sink();
    return top;
  }

  #add(hits: FoundHit[]): void {
    if (hits.length === 0) return;
    for (const hit of hits) this.#bytes += weight(hit);
    let at = this.#runs.push({ hits, taken: 0 }) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && this.#before(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = right < this.#runs.length && this.#before(right, left) ? right : left;
      if (child >= this.#runs.length || !this.#before(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  /** The latter half goes, as far as there are two. */
  #halve(): void {
    const sorted = this.#runs.flatMap(({ hits, taken }) => hits.slice(taken));
    if (sorted.length < 2) return;
    sorted.sort((a, b) => this.#compare(a, b));
    const keep = sorted.length >> 1;
    this.#lost = sorted[keep];
    this.#runs = [];
    this.#bytes = 0;
    this.#add(sorted.slice(0, keep));
  }

  #compare(a: FoundHit, b: FoundHit): number {
    return compareHits(a, b, this.#order);
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#runs[a], this.#runs[b]] as [Run, Run];
    return this.#compare(x.hits[x.taken] as FoundHit, y.hits[y.taken] as FoundHit) < 0;
  }

  #swap(a: number, b: number): void {
    const runs = this.#runs;
    [runs[a], runs[b]] = [runs[b] as Run, runs[a] as Run];
  }
}

function weight({ text, raw }: FoundHit): number {
  return hitBytes + text.length + (raw?.length ?? 0);
}
