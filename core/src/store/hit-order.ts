import { comparableTime, compareUtf8 } from '../query/match-values.ts';
import type { SortValues } from './port.ts';

/** Sort values as they compare: the time with all its digits. */
export interface HitOrder {
  time: string;
  sort: SortValues;
}

export function hitOrder(sort: SortValues): HitOrder {
  return { time: comparableTime(sort[0] ?? '1970-01-01T00:00:00'), sort };
}

/**
 * Below 0 when `a` comes before `b` in the order in which a store gives hits: by time, path, generation, offset and tie, in
 * one direction; events without a path or generation come last in either.
 */
export function compareHits(a: HitOrder, b: HitOrder, order: 'asc' | 'desc'): number {
  const sign = order === 'asc' ? 1 : -1;
  if (a.time !== b.time) return a.time < b.time ? -sign : sign;
  for (const at of [1, 2]) {
    const [x, y] = [a.sort[at] ?? null, b.sort[at] ?? null];
    if (x === y) continue;
    if (x === null || y === null) return x === null ? 1 : -1;
    return sign * compareUtf8(String(x), String(y));
  }
  for (const at of [3, 4]) {
    const difference = Number(a.sort[at] ?? 0) - Number(b.sort[at] ?? 0);
    if (difference !== 0) return sign * difference;
  }
  return 0;
}
