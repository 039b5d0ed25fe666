import { countLimits } from './count-steps.ts';
import type { Begun, ReshardHistory, Shard } from './ports.ts';

/** Kinesis numbers shards one after the other and never uses a number again: a higher one tells of a change. */
export function newestOf(shards: readonly Shard[]): number {
  return Math.max(-1, ...shards.map(({ id }) => Number(/\d+$/.exec(id)?.[0] ?? -1)));
}

/**
 * The history with what became of the change that was begun last: it was made if there are newer shards than before
 * it, and else it was refused, or its caller was killed, and counts for nothing. `shards` are those of an ACTIVE stream.
 */
export function settled(history: ReshardHistory, shards: readonly Shard[]): ReshardHistory {
  const { begun, countCalls } = history;
  if (begun === undefined || newestOf(shards) <= begun.newest) return history;
  const isNew = begun.byCount && !countCalls.includes(begun.atMs);
  return {
    latestMs: Math.max(history.latestMs ?? 0, begun.atMs),
    countCalls: isNew ? [...countCalls, begun.atMs].slice(-countLimits.callsPerDay) : countCalls,
    begun,
  };
}

/** The same for the same change; '' for none. */
export function begunText(begun: Begun | undefined): string {
  if (begun === undefined) return '';
  const { atMs, count, byCount, newest } = begun;
  return `${Math.round(atMs / 1000)} ${count} ${byCount ? 'count' : 'split'} ${newest}`;
}

export function parseBegun(text: string): Begun | undefined {
  const match = /^(\d{1,12}) (\d{1,5}) (count|split) (-?\d{1,15})$/.exec(text);
  if (match === null) return undefined;
  const [, seconds, count, way, newest] = match;
  return {
    atMs: Number(seconds) * 1000,
    count: Number(count),
    byCount: way === 'count',
    newest: Number(newest),
  };
}
