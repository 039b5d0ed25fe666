/** How often something was seen in two times. */
export interface Change {
  before: number;
  after: number;
  /** Length of the first time as part of both, 0 to 1. */
  share: number;
}

/** G is over 10.83 once in a thousand times when nothing has changed (chi-squared, one degree of freedom). */
const significantG = 10.83;
/** A smaller change is none that anybody asks about, however certain it is. */
const ratioMin = 2;

/** How many times more often it is now; infinity when it was not there. */
export function ratioOf({ before, after, share }: Change): number {
  return after / (1 - share) / (before / share);
}

/**
 * Whether there is more to it than chance: the log-likelihood ratio (G-test) of what was seen against what would be
 * if nothing had changed. `seen` is the part of the events that was looked at, 0 to 1: counts that are estimated
 * from few are less certain.
 */
export function isChanged(change: Change, seen: number): boolean {
  const ratio = ratioOf(change);
  return (ratio >= ratioMin || ratio <= 1 / ratioMin) && gOf(change) * seen >= significantG;
}

export function gOf({ before, after, share }: Change): number {
  const total = before + after;
  return 2 * (part(before, total * share) + part(after, total * (1 - share)));
}

function part(seen: number, expected: number): number {
  return seen === 0 ? 0 : seen * Math.log(seen / expected);
}
