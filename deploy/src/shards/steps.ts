import { countSteps, mostDuring, nextCallMs, nextCount } from './count-steps.ts';
import { shareOf } from './hash-range.ts';
import { nextOperation, type OpenRange, type Operation, planOperations } from './operations.ts';

export type Step = Operation | { kind: 'count'; from: number; to: number };

export interface StepRules {
  count: number;
  /** Open shards that the stream may have at a time. */
  most: number;
  /** False: by splits and merges only, one at a time. */
  byCount: boolean;
  /** Whether the consumer follows so far that a shard may be closed. */
  may: (shard: string) => boolean;
  /** Earlier calls of UpdateShardCount, milliseconds since 1970. */
  calls: readonly number[];
  nowMs: number;
}

/**
 * What is to be done next: a step; `wait` until the consumer follows; a time before which Kinesis takes no more calls;
 * undefined when there are as many even shards as wanted.
 */
export function nextStep(
  open: readonly OpenRange[],
  rules: StepRules,
): Step | 'wait' | { kind: 'later'; atMs: number } | undefined {
  const to = nextCount(open.length, rules.count);
  const counts = rules.byCount && to !== open.length && mostDuring(open.length, to) <= rules.most;
  // As many as wanted and uneven, or no room for what Kinesis does in between: the small steps do that.
  if (!counts) return nextOperation(open, rules.count, rules);
  if (!open.every(({ id }) => rules.may(id))) return 'wait';
  const atMs = nextCallMs(rules.calls, rules.nowMs);
  return atMs > rules.nowMs ? { kind: 'later', atMs } : { kind: 'count', from: open.length, to };
}

/** All steps, if everything goes as it should. */
export function planSteps(open: readonly OpenRange[], rules: StepRules): Step[] {
  const direct = nextStep(open, { ...rules, may: () => true, calls: [] });
  if (typeof direct !== 'object' || direct.kind !== 'count')
    return planOperations(open, rules.count, rules.most);
  let from = open.length;
  return countSteps(from, rules.count).map((to) => {
    const step = { kind: 'count' as const, from, to };
    from = to;
    return step;
  });
}

export function stepText(step: Step, open: readonly OpenRange[]): string {
  if (step.kind === 'count') return `UpdateShardCount ${step.from} → ${step.to}`;
  if (step.kind === 'merge') return `MergeShards ${step.lower} and ${step.upper}`;
  const range = open.find(({ id }) => id === step.shard);
  const part =
    range === undefined
      ? ''
      : ` after ${percent(shareOf({ from: range.from, to: step.at - 1n }) / shareOf(range))} of its keys`;
  return `SplitShard ${step.shard}${part}`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
