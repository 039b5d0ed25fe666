import { countLimits, dayMs } from './count-steps.ts';
import type { Load, ReshardHistory } from './ports.ts';
import { shardsFor, type Use, useOf } from './sizing.ts';

export interface Policy {
  /** Part of what the shards take that is to be used at the peak, 0 to 1. */
  target: number;
  /** Scaling down must leave the use below this part of the target: or it would go up again at once. */
  downBand: number;
  min: number;
  max: number;
  /** After a change, milliseconds. */
  cooldownMs: number;
}

export interface Situation {
  open: number;
  /** Part of the key space of the widest open shard: what it carries bounds the stream. */
  widest: number;
  /** Of the last minutes: scaling up follows it. */
  recent: Load | undefined;
  /** Of the last hours: scaling down follows it. */
  long: Load | undefined;
  history: ReshardHistory;
  nowMs: number;
}

export interface Decision {
  action: 'up' | 'down' | 'hold';
  count: number;
  why: string;
  /** It holds, and somebody has to do something: `why` says what. */
  stuck: boolean;
  /** Of the recent peak, as the shards are now; undefined without metrics. */
  use: Use | undefined;
}

/** Calls of a day that scaling down leaves for scaling up. */
const callsKept = 4;
/** Refused writes tell of peaks that minutes do not show. */
const throttledGrowth = 1.25;

/** One look at what came in: whether the stream has too few or too many shards. */
export function decide(situation: Situation, policy: Policy): Decision {
  const { open, recent, history, nowMs } = situation;
  const waitMs = (history.latestMs ?? 0) + policy.cooldownMs - nowMs;
  const since = `changed ${minutes(policy.cooldownMs - waitMs)} ago`;
  const change = (to: number, why: string, use: Use | undefined): Decision => {
    if (waitMs > 0) return hold(open, `${why}; ${since}`, use);
    const count = oneCall(open, to);
    return { action: count > open ? 'up' : 'down', count, why, stuck: false, use };
  };
  const stuck = (why: string, use: Use): Decision => {
    // What was measured may be older than the last change.
    if (waitMs > 0) return hold(open, `${why}; ${since}`, use);
    return { ...hold(open, why, use), stuck: true };
  };
  if (open < policy.min || open > policy.max) {
    const why = `${open} shards are not within ${policy.min} to ${policy.max}`;
    return change(Math.min(policy.max, Math.max(policy.min, open)), why, undefined);
  }
  if (recent === undefined) return hold(open, 'nothing came in', undefined);
  const use = useOf(recent.peak, Math.min(open, 1 / situation.widest));
  const wanted = wantedUp(situation, recent, use, policy);
  const refused = recent.throttled > 0 ? `, ${recent.throttled} writes refused` : '';
  const why = useText(use) + refused;
  if (wanted > open && open >= policy.max)
    return stuck(`${why}: ${wanted} shards would be right, and --max allows ${policy.max}; raise it`, use);
  if (wanted > open) return change(Math.min(policy.max, wanted), why, use);
  if (worstOf(use) > policy.target && situation.widest * open > 1.01)
    return stuck(
      `${why}: ${open} even shards would do, but one has ${percent(situation.widest)} of the keys; ` +
        `./millrace shards scale ${open} --apply evens them`,
      use,
    );
  return decideDown(situation, policy, use, change);
}

function decideDown(
  { open, recent, long, history, nowMs }: Situation,
  policy: Policy,
  use: Use,
  change: (to: number, why: string, use: Use) => Decision,
): Decision {
  const keeps = long === undefined || recent === undefined || recent.throttled > 0 || long.throttled > 0;
  if (keeps) return hold(open, useText(use), use);
  const fewer = Math.max(policy.min, shardsFor(long.peak, policy.target * policy.downBand).shards);
  if (fewer >= open) return hold(open, useText(use), use);
  const why = `${useText(use)}, and ${fewer} would have carried the whole of ${long.source}`;
  const calls = history.countCalls.filter((at) => at > nowMs - dayMs).length;
  if (calls > countLimits.callsPerDay - callsKept)
    return hold(open, `${why}; ${calls} of the day's ten calls are used, the rest is for scaling up`, use);
  return change(fewer, why, use);
}

function wantedUp(situation: Situation, recent: Load, use: Use, policy: Policy): number {
  const { open } = situation;
  const byThrottles = recent.throttled > 0 ? Math.ceil(open * throttledGrowth) : 0;
  const byLoad = worstOf(use) > policy.target ? shardsFor(recent.peak, policy.target).shards : 0;
  return Math.max(byThrottles, byLoad);
}

/** As far as one call goes; the next look decides anew. */
function oneCall(open: number, count: number): number {
  return Math.max(Math.ceil(open / countLimits.shrink), Math.min(count, open * countLimits.growth));
}

function hold(open: number, why: string, use: Use | undefined): Decision {
  return { action: 'hold', count: open, why, stuck: false, use };
}

function worstOf({ bytes, records, cpu }: Use): number {
  return Math.max(bytes, records, cpu);
}

function useText({ bytes, records, cpu }: Use): string {
  return `at the peak ${percent(bytes)} of the bytes, ${percent(records)} of the records, ${percent(cpu)} of a reader's core`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function minutes(ms: number): string {
  return `${Math.max(0, Math.round(ms / 60_000))} min`;
}
