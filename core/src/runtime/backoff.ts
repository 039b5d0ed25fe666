import type { Clock } from './clock.ts';

/** Exponential backoff with full jitter, bounded; `attempt` counts from 0. */
export interface Backoff {
  /** First ceiling, milliseconds. */
  baseMs: number;
  /** Highest ceiling, milliseconds. */
  maxMs: number;
}

/** Milliseconds to wait before the next try: uniform in [ceiling / 2, ceiling]. */
export function backoffMs(backoff: Backoff, attempt: number, random: Clock['random']): number {
  const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
