import type { EventTimes } from '@millrace/core/archive/footer.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { mintedMs, placeOf } from './place.ts';

/** Days. How far from an event in time its neighbours are looked for in the archive, and a file before or after its own. */
const reachDays = 31;
const dayMs = 86_400_000;

/**
 * When the neighbours of an event in its file arrived, seconds since 1970. Nothing of a file arrives before it was first
 * seen; what was dated before that arrives right after it.
 */
export function arrivalsNear(event: SearchHit): EventTimes {
  const { generation } = placeOf(event);
  return arrivalsOf(generation, Number(timeNs(event) / 1_000_000n));
}

/** Of a file of which nothing else is known, at first; then of all the time since. */
export function arrivalsSince(generation: string): EventTimes[] {
  const first = mintedMs(generation);
  const always = { first: Number.NEGATIVE_INFINITY, last: Number.POSITIVE_INFINITY };
  if (first === undefined) return [always];
  return [arrivalsOf(generation, first), { ...always, first: first / 1000 }];
}

function arrivalsOf(generation: string, timeMs: number): EventTimes {
  const minted = mintedMs(generation) ?? Number.NEGATIVE_INFINITY;
  const reachMs = reachDays * dayMs;
  return {
    first: Math.max(minted, timeMs - reachMs) / 1000,
    last: (Math.max(minted, timeMs) + reachMs) / 1000,
  };
}

export const reachNs = BigInt(reachDays * dayMs) * 1_000_000n;

/** When an event happened, nanoseconds since 1970. */
export function timeNs({ source }: SearchHit): bigint {
  return parseTime(String(source['@timestamp']), 0).firstNs;
}
