import { byKeys, type HashRange, unevenBounds } from './hash-range.ts';

/** A range of hash keys that takes records. */
export interface OpenRange extends HashRange {
  id: string;
}

export type Operation =
  | { kind: 'split'; shard: string; at: bigint }
  | { kind: 'merge'; lower: string; upper: string };

export interface OperationLimits {
  /** Open shards that the stream may have at a time. */
  most: number;
  /** Whether a shard may be closed already; default: each may. */
  may?: (shard: string) => boolean;
}

/**
 * The next split or merge on the way to `count` even shards: `wait` when the one that is due is not allowed yet,
 * undefined when they are even. Follows from the ranges alone, so whoever was interrupted goes on where he was.
 *
 * While there are not more shards than wanted it splits, else it merges. So there are never fewer than at the beginning
 * or at the end, whichever is less, and at most one more than whichever is more.
 */
export function nextOperation(
  open: readonly OpenRange[],
  count: number,
  { most, may = () => true }: OperationLimits,
): Operation | 'wait' | undefined {
  const ranges = byKeys(open);
  const { missing, wrong } = unevenBounds(ranges, count);
  if (missing.length === 0 && wrong.length === 0) return undefined;
  const splitting = missing.length > 0 && (wrong.length === 0 || ranges.length <= count);
  if (splitting && ranges.length + 1 <= most) return nextSplit(ranges, missing, may) ?? 'wait';
  return nextMerge(ranges, wrong, may) ?? 'wait';
}

/** Of the widest shard, which has the most to carry. */
function nextSplit(
  ranges: OpenRange[],
  missing: bigint[],
  may: (shard: string) => boolean,
): Operation | undefined {
  const choices = missing.flatMap((at) => {
    const range = ranges.find(({ from, to }) => from < at && at <= to);
    return range !== undefined && may(range.id) ? [{ at, range }] : [];
  });
  const best = choices.reduce<(typeof choices)[number] | undefined>(
    (found, choice) => (found === undefined || widthOf(choice.range) > widthOf(found.range) ? choice : found),
    undefined,
  );
  return best === undefined ? undefined : { kind: 'split', shard: best.range.id, at: best.at };
}

/** Of the two that are the least together. */
function nextMerge(
  ranges: OpenRange[],
  wrong: bigint[],
  may: (shard: string) => boolean,
): Operation | undefined {
  const choices = ranges.flatMap((upper, i) => {
    const lower = ranges[i - 1];
    const takes = lower !== undefined && wrong.includes(upper.from) && may(lower.id) && may(upper.id);
    return takes ? [{ lower, upper, width: widthOf(lower) + widthOf(upper) }] : [];
  });
  const best = choices.reduce<(typeof choices)[number] | undefined>(
    (found, choice) => (found === undefined || choice.width < found.width ? choice : found),
    undefined,
  );
  return best === undefined ? undefined : { kind: 'merge', lower: best.lower.id, upper: best.upper.id };
}

function widthOf({ from, to }: HashRange): bigint {
  return to - from;
}

/** The open ranges after an operation; the new ones have made-up names. */
export function afterOperation(open: readonly OpenRange[], operation: Operation): OpenRange[] {
  if (operation.kind === 'split') {
    const { at } = operation;
    return open.flatMap((range) =>
      range.id === operation.shard
        ? [
            { id: `${range.id}a`, from: range.from, to: at - 1n },
            { id: `${range.id}b`, from: at, to: range.to },
          ]
        : [range],
    );
  }
  const upper = open.find(({ id }) => id === operation.upper);
  return open.flatMap((range) => {
    if (range.id === operation.upper) return [];
    if (range.id !== operation.lower || upper === undefined) return [range];
    return [{ id: `${range.id}+${upper.id}`, from: range.from, to: upper.to }];
  });
}

/** All splits and merges until there are `count` even shards; ends early at what `most` does not allow. */
export function planOperations(open: readonly OpenRange[], count: number, most: number): Operation[] {
  const operations: Operation[] = [];
  for (let ranges = [...open]; ; ) {
    const next = nextOperation(ranges, count, { most });
    if (next === undefined || next === 'wait') return operations;
    operations.push(next);
    ranges = afterOperation(ranges, next);
  }
}
