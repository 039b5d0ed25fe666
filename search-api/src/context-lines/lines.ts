import type { EventTimes } from '@millrace/core/archive/footer.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { byPlace, placeOf, withinGeneration } from './place.ts';
import type { Reading } from './reading.ts';

/** A part of a file: of this generation, whose lines arrived then. */
export interface FilePart {
  generation: string;
  arrived: EventTimes;
}

/**
 * The archive answers in order of time, so that a stretch of the file is read whole, whatever the times in it are: first
 * one that holds some hundred lines, at last all there is.
 */
const stretches = [16 * 1024, 256 * 1024, 4 * 1024 * 1024, Number.POSITIVE_INFINITY];
const stretchHitsMax = 20_000;

/**
 * The `count` events of a file that come next to `offset` in a direction, this offset included; nearest first. Exact
 * over store and archive.
 */
export async function linesFrom(
  reading: Reading,
  file: FilePart,
  offset: number,
  direction: 'asc' | 'desc',
  count: number,
): Promise<SearchHit[]> {
  const { generation } = file;
  const all = withinGeneration(generation, rangeOf(offset, direction));
  const hot = await reading.nearest(all, direction, count);
  if (!(await reading.isBeside(all))) return hot;
  const last = hot[count - 1];
  if (last !== undefined) {
    const between = rangeOf(offset, direction, placeOf(last).offset);
    return merged(hot, await stretch(reading, file, between), direction, count);
  }
  let lines: SearchHit[] = [];
  for (const bytes of stretches) {
    const bound = direction === 'asc' ? offset + bytes : offset - bytes;
    const cold = await stretch(reading, file, rangeOf(offset, direction, bound));
    const inside = hot.filter((hit) => isWithin(placeOf(hit).offset, bound, direction));
    lines = merged(inside, cold, direction, count);
    if (lines.length === count) break;
  }
  return lines;
}

async function stretch(
  reading: Reading,
  { generation, arrived }: FilePart,
  offsets: Record<string, number>,
): Promise<SearchHit[]> {
  const conditions = withinGeneration(generation, offsets);
  const hits = await reading.beside(conditions, { order: 'asc', limit: stretchHitsMax, arrived });
  if (hits.length === stretchHitsMax) reading.tooMany();
  return hits;
}

/** Offsets from one on; `bound` is included. */
function rangeOf(from: number, direction: 'asc' | 'desc', bound?: number): Record<string, number> {
  const [near, far] = direction === 'asc' ? (['gte', 'lte'] as const) : (['lte', 'gte'] as const);
  return { [near]: from, ...(Number.isFinite(bound) ? { [far]: Math.max(0, bound ?? 0) } : {}) };
}

function isWithin(offset: number, bound: number, direction: 'asc' | 'desc'): boolean {
  return direction === 'asc' ? offset <= bound : offset >= bound;
}

/** Each event once, nearest first. */
function merged(hot: SearchHit[], cold: SearchHit[], direction: 'asc' | 'desc', count: number): SearchHit[] {
  const all = [...new Map([...cold, ...hot].map((hit) => [hit.id, hit])).values()].sort(byPlace);
  return (direction === 'asc' ? all : all.reverse()).slice(0, count);
}
