/**
 * What UpdateShardCount takes; all but the first two can be raised by AWS on demand.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
 */
export const countLimits = {
  /** One call makes at most so many times the open shards. */
  growth: 2,
  /** One call leaves at least the open shards divided by this. */
  shrink: 2,
  /** Calls for one stream in any 24 hours. */
  callsPerDay: 10,
  /** Open shards of a stream that it scales to. */
  shards: 10_000,
} as const;

export const dayMs = 86_400_000;

/** The count of the next call on the way from `open` to `target`; `target` when one call is enough. */
export function nextCount(open: number, target: number): number {
  return target > open
    ? Math.min(target, open * countLimits.growth)
    : Math.max(target, Math.ceil(open / countLimits.shrink));
}

/** The counts of all calls. */
export function countSteps(open: number, target: number): number[] {
  const steps: number[] = [];
  for (let at = open; at !== target; ) {
    at = nextCount(at, target);
    steps.push(at);
  }
  return steps;
}

/**
 * Open shards at the most while a call is carried out: Kinesis splits and merges, and what lives for a moment counts
 * against the account's limit too. As fine as the old and the new bounds together; how Kinesis does it is not told.
 */
export function mostDuring(open: number, next: number): number {
  return open + next - divisor(open, next);
}

/** When another call will be taken, milliseconds since 1970; `nowMs` when one is now. */
export function nextCallMs(calls: readonly number[], nowMs: number): number {
  const recent = calls.filter((at) => at > nowMs - dayMs).sort((a, b) => a - b);
  const blocking = recent.at(-countLimits.callsPerDay);
  return blocking === undefined ? nowMs : blocking + dayMs;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
