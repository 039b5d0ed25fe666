import type { Arrival } from './arrival.ts';

interface Entry {
  arrival: Arrival;
  /** The feed's edge before it told of this. */
  edge: number;
}

/** What waits for a viewer to read it, the newest of it: bounded by events and by bytes. */
export class Ring {
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #entries: Entry[] = [];
  #bytes = 0;

  constructor(eventsMax: number, bytesMax: number) {
    this.#eventsMax = eventsMax;
    this.#bytesMax = bytesMax;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Of what waits longest; undefined when nothing does. */
  get edge(): number | undefined {
    return this.#entries[0]?.edge;
  }

  /** @returns what there is no room for any more; never the newest alone */
  push(arrival: Arrival, edge: number): Arrival[] {
    this.#entries.push({ arrival, edge });
    this.#bytes += arrival.bytes;
    const dropped: Arrival[] = [];
    while (
      this.#entries.length > this.#eventsMax ||
      (this.#bytes > this.#bytesMax && this.#entries.length > 1)
    ) {
      const oldest = this.shift();
      if (oldest !== undefined) dropped.push(oldest);
    }
    return dropped;
  }

  shift(): Arrival | undefined {
    const entry = this.#entries.shift();
    this.#bytes -= entry?.arrival.bytes ?? 0;
    return entry?.arrival;
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }
}
