/** What a replay, or one object of it, came to. */
export interface Counts {
  objects: number;
  blocks: number;
  /** Bytes of the archive that were gone through. */
  bytes: number;
  /** Events selected. */
  events: number;
  /** Of these: new in the store, sent, or printed. */
  written: number;
  /** Were in the store already. */
  existing: number;
  /** The store cannot hold them, also not as raw messages. */
  missing: number;
  /** Records and blocks that this version cannot read, or that are damaged. */
  unreadable: number;
}

export function noCounts(): Counts {
  return {
    objects: 0,
    blocks: 0,
    bytes: 0,
    events: 0,
    written: 0,
    existing: 0,
    missing: 0,
    unreadable: 0,
  };
}

export function addCounts(to: Counts, more: Partial<Counts>): void {
  for (const [name, amount] of Object.entries(more)) to[name as keyof Counts] += amount;
}
