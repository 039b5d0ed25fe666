/** How search compares with what was written. */
export interface Tally {
  written: number;
  found: number;
  missing: string[];
  /** There more often than they may be. */
  doubled: string[];
  /** There, but never written. */
  foreign: string[];
}

/**
 * Counts each line that was written. Lines in `repeated` may be there twice: their files had to be read again as new
 * generations.
 */
export function tallyOf(
  written: readonly string[],
  found: readonly string[],
  repeated: ReadonlySet<string> = new Set(),
): Tally {
  const counts = new Map(written.map((line) => [line, 0]));
  const foreign: string[] = [];
  for (const line of found) {
    const count = counts.get(line);
    if (count === undefined) foreign.push(line);
    else counts.set(line, count + 1);
  }
  const missing: string[] = [];
  const doubled: string[] = [];
  for (const [line, count] of counts) {
    if (count === 0) missing.push(line);
    else if (count > (repeated.has(line) ? 2 : 1)) doubled.push(line);
  }
  return { written: written.length, found: found.length, missing, doubled, foreign };
}

export function isWhole({ missing, doubled, foreign }: Tally): boolean {
  return missing.length === 0 && doubled.length === 0 && foreign.length === 0;
}

/** One line for people. */
export function tallyText(tally: Tally): string {
  const { written, found, missing, doubled, foreign } = tally;
  const some = ([first]: string[]) => (first === undefined ? '' : ` ("${first}")`);
  return (
    `${written} written, ${found} in search, ${missing.length} missing${some(missing)}, ` +
    `${doubled.length} too often${some(doubled)}, ${foreign.length} never written${some(foreign)}`
  );
}
