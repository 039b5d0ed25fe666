/** Kinesis gives a record to the shard that has the MD5 of its partition key: 128 bits. */
export const keySpace = 2n ** 128n;

/** Hash keys of a shard; both ends belong to it. */
export interface HashRange {
  from: bigint;
  to: bigint;
}

/** Part of the key space, 0 to 1; with random partition keys also the shard's part of the load. */
export function shareOf({ from, to }: HashRange): number {
  return Number(((to - from + 1n) * 1_000_000_000n) / keySpace) / 1e9;
}

/** First keys of all ranges but the first, when the key space is cut into `count` even ones. */
export function evenBounds(count: number): bigint[] {
  const width = keySpace / BigInt(count);
  return Array.from({ length: count - 1 }, (_, i) => width * BigInt(i + 1));
}

/** A bound so near to an even one counts as even: engines round differently, and hands type short numbers. */
export function tolerance(count: number): bigint {
  return keySpace / BigInt(count) / 1000n;
}

/** A copy in the order of keys. */
export function byKeys<R extends HashRange>(ranges: readonly R[]): R[] {
  return [...ranges].sort((a, b) => (a.from < b.from ? -1 : 1));
}

/** Whether every key belongs to exactly one of them. */
export function coverOnce(ranges: readonly HashRange[]): boolean {
  let next = 0n;
  for (const { from, to } of byKeys(ranges)) {
    if (from !== next || to < from) return false;
    next = to + 1n;
  }
  return next === keySpace;
}

/** Bounds that `count` even ranges need and that are not there, and bounds that are there and not needed. */
export function unevenBounds(
  ranges: readonly HashRange[],
  count: number,
): { missing: bigint[]; wrong: bigint[] } {
  const bounds = byKeys(ranges)
    .slice(1)
    .map(({ from }) => from);
  const near = tolerance(count);
  const kept = new Set<bigint>();
  const missing = evenBounds(count).filter((wanted) => {
    const closest = bounds.reduce<bigint | undefined>(
      (best, bound) =>
        best === undefined || distance(bound, wanted) < distance(best, wanted) ? bound : best,
      undefined,
    );
    if (closest === undefined || distance(closest, wanted) > near) return true;
    kept.add(closest);
    return false;
  });
  return { missing, wrong: bounds.filter((bound) => !kept.has(bound)) };
}

function distance(a: bigint, b: bigint): bigint {
  return a < b ? b - a : a - b;
}
