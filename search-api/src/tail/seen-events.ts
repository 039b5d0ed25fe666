/** Ids that are kept at most, but for those of the newest millisecond: a bulk request stamps thousands alike. */
const idsMax = 10_000;

/** The ids that were seen within the window. */
export class SeenEvents {
  readonly #ids = new Map<string, number>();
  #floor = 0;

  /** Nothing up to here, milliseconds since 1970, needs to be looked at again. */
  get floor(): number {
    return this.#floor;
  }

  /** True for one that was not seen before. */
  add(id: string, ms: number): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.set(id, ms);
    return true;
  }

  ids(): string[] {
    return [...this.#ids.keys()];
  }

  /** Forgets what was stamped up to `start`; more, when there is too much: then the window is shorter. */
  trim(start: number): void {
    let floor = Math.max(this.#floor, start);
    if (this.#ids.size > idsMax) {
      const times = [...this.#ids.values()].sort((a, b) => b - a);
      const newest = times[0] ?? 0;
      const last = times[idsMax] ?? 0;
      // Whole milliseconds only: what is forgotten is not looked at again.
      floor = Math.max(floor, last < newest ? last : newest - 1);
    }
    if (floor === this.#floor) return;
    this.#floor = floor;
    for (const [id, ms] of this.#ids) if (ms <= floor) this.#ids.delete(id);
  }
}
