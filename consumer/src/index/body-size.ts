import type { IndexerTelemetry } from './events.ts';

/** Requests are not made smaller than this, whatever the store says of their size. */
const bytesMin = 64 * 1024;
/** So many requests of nearly the largest size are taken before larger ones are tried. */
const takenBeforeGrowth = 50;

/** How large a `_bulk` body may be: halved when the store finds one too large, and grown back by and by. */
export class BodySize {
  readonly #largest: number;
  readonly #emit: IndexerTelemetry['emit'];
  #max: number;
  #taken = 0;

  constructor(largest: number, emit: IndexerTelemetry['emit']) {
    this.#largest = largest;
    this.#max = largest;
    this.#emit = emit;
  }

  /** The store refused this many bytes; returns what a body may have from now on. */
  refused(bytes: number): number {
    this.#taken = 0;
    const smaller = Math.max(bytesMin, Math.floor(Math.min(bytes, this.#max) / 2));
    if (smaller < this.#max) {
      this.#max = smaller;
      this.#emit('bodies_shrunk', { refused_bytes: bytes, body_bytes_max: smaller });
    }
    return this.#max;
  }

  /** The store took this many bytes; returns what a body may have from now on. */
  taken(bytes: number): number {
    if (this.#max === this.#largest || bytes * 2 < this.#max) return this.#max;
    if (++this.#taken < takenBeforeGrowth) return this.#max;
    this.#taken = 0;
    this.#max = Math.min(this.#largest, Math.ceil(this.#max * 1.5));
    this.#emit('bodies_grown', { body_bytes_max: this.#max });
    return this.#max;
  }
}
