import type { Histogram } from '../api/types.ts';
import { type Tone, toneOfLevel } from '../list/values.ts';

/** From the bottom of a bar to its top: what matters stands on the ground, where it can be compared. */
const order: Tone[] = ['bad', 'warn', 'calm', 'good', 'faint', 'none'];

export interface Stack {
  /** Beginnings of buckets, seconds since 1970, as uPlot has times. */
  times: number[];
  /** Sums up to and with each tone, the highest first: drawn in this order, each covers the one before. */
  layers: { tone: Tone; tops: number[] }[];
  /** Counts by tone, bucket after bucket. */
  counts: Partial<Record<Tone, number>>[];
}

/** The bars of a histogram, coloured by level. */
export function stackOf({ buckets }: Histogram): Stack {
  const counts = buckets.map(({ count, by }) => {
    const tones: Partial<Record<Tone, number>> = {};
    let named = 0;
    for (const [level, value] of Object.entries(by ?? {})) {
      const tone = toneOfLevel(level);
      tones[tone] = (tones[tone] ?? 0) + value;
      named += value;
    }
    if (count > named) tones.none = (tones.none ?? 0) + count - named;
    return tones;
  });
  const used = order.filter((tone) => counts.some((tones) => (tones[tone] ?? 0) > 0));
  const tops = counts.map(() => 0);
  const layers = used.map((tone) => {
    for (const [i, tones] of counts.entries()) tops[i] = (tops[i] ?? 0) + (tones[tone] ?? 0);
    return { tone, tops: [...tops] };
  });
  return { times: buckets.map(({ from }) => Date.parse(from) / 1000), layers: layers.reverse(), counts };
}
