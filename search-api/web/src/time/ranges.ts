import { isMillraceError } from '@millrace/core/errors.ts';
import { parseTime } from '@millrace/core/query/time.ts';

export interface TimeRange {
  from: string;
  to: string;
}

/** Ranges to choose from: name in the dictionary, and `from` of the API; all of them end now. */
export const quickRanges = [
  ['5m', 'now-5m'],
  ['15m', 'now-15m'],
  ['1h', 'now-1h'],
  ['4h', 'now-4h'],
  ['24h', 'now-24h'],
  ['7d', 'now-7d'],
  ['30d', 'now-30d'],
  ['all', '*'],
] as const;

export function quickName({ from, to }: TimeRange): (typeof quickRanges)[number][0] | undefined {
  return to === '*' || to === 'now' ? quickRanges.find(([, start]) => start === from)?.[0] : undefined;
}

/** Milliseconds since 1970 that a typed time means, or what is wrong with it. */
export function readTime(
  text: string,
  nowMs: number,
  end: boolean,
): { ms: number } | { problem: string; hint?: string } {
  try {
    const { firstNs, lastNs } = parseTime(text.trim(), nowMs);
    return { ms: Number((end ? lastNs : firstNs) / 1_000_000n) };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { problem: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
}

/** The range in milliseconds since 1970; undefined bounds are open, or cannot be read. */
export function boundsOf({ from, to }: TimeRange, nowMs: number): { fromMs?: number; toMs: number } {
  const start = from === '*' ? undefined : readTime(from, nowMs, false);
  const end = to === '*' ? undefined : readTime(to, nowMs, true);
  return {
    ...(start !== undefined && 'ms' in start ? { fromMs: start.ms } : {}),
    toMs: end !== undefined && 'ms' in end ? end.ms : nowMs,
  };
}

/** The same range in times that mean the same tomorrow, for a link. */
export function absolute(range: TimeRange, nowMs: number): TimeRange {
  const { fromMs, toMs } = boundsOf(range, nowMs);
  return { from: fromMs === undefined ? range.from : iso(fromMs), to: iso(toMs) };
}

/** What is compared with, in such times: `previous` goes by the range, `from..to` is one of its own. */
export function absoluteBaseline(baseline: string, nowMs: number): string {
  const [from, to] = baseline.split('..');
  if (from === undefined || to === undefined) return baseline;
  const range = absolute({ from: from.trim(), to: to.trim() }, nowMs);
  return `${range.from}..${range.to}`;
}

/** The range of the same width before (-1) or after (1) this one. */
export function shifted(range: TimeRange, direction: -1 | 1, nowMs: number): TimeRange {
  const { fromMs, toMs } = boundsOf(range, nowMs);
  if (fromMs === undefined) return range;
  const width = Math.max(1, toMs - fromMs);
  return { from: iso(fromMs + direction * width), to: iso(toMs + direction * width) };
}

/** The range with as much again around it. It never ends later than now. */
export function widened(range: TimeRange, nowMs: number): TimeRange {
  const { fromMs, toMs } = boundsOf(range, nowMs);
  if (fromMs === undefined) return range;
  const half = Math.max(500, (toMs - fromMs) / 2);
  return { from: iso(fromMs - half), to: iso(Math.min(Math.max(toMs, nowMs), toMs + half)) };
}

export function iso(ms: number): string {
  return new Date(Math.round(Math.max(0, ms))).toISOString();
}
