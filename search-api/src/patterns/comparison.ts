import { type Change, gOf, isChanged } from '@millrace/core/patterns/change.ts';
import type { Pattern } from '@millrace/core/patterns/miner.ts';

export interface ComparedPattern {
  pattern: Pattern<string>;
  change: Change;
}

export interface Comparison {
  /** Not there before; the most frequent first. */
  fresh: ComparedPattern[];
  gone: ComparedPattern[];
  /** More or less often than chance would have it; the most certain first. */
  changed: ComparedPattern[];
}

/** Groups of the miner. */
export const earlier = 0;
export const later = 1;

/**
 * Parts patterns by what became of them. `share` is the length of the earlier time as part of both; `seen` the part of
 * the events that was looked at: of a sample, what it lacks may have been there, so that few lines prove nothing new.
 */
export function compared(patterns: readonly Pattern<string>[], share: number, seen: number): Comparison {
  const result: Comparison = { fresh: [], gone: [], changed: [] };
  for (const pattern of patterns) {
    const before = pattern.counts[earlier] ?? 0;
    const after = pattern.counts[later] ?? 0;
    const change = { before, after, share };
    const certain = seen === 1 || isChanged(change, seen);
    if (before === 0) {
      if (certain) result.fresh.push({ pattern, change });
    } else if (after === 0) {
      if (certain) result.gone.push({ pattern, change });
    } else if (isChanged(change, seen)) result.changed.push({ pattern, change });
  }
  result.changed.sort((a, b) => gOf(b.change) - gOf(a.change));
  return result;
}
