import type { SearchHit } from '@millrace/core/store/port.ts';
import { type FilePart, linesFrom } from './lines.ts';
import { byPlace, placeOf, placeOfId, withinGeneration } from './place.ts';
import { arrivalsNear, arrivalsSince } from './reach.ts';
import type { Reading } from './reading.ts';
import { neighbourFile } from './rotation.ts';

export interface ContextLines {
  /** In the order of the file, and of the files that it was before and after. */
  hits: SearchHit[];
  /** Of the event itself. */
  index: number;
  startReached: boolean;
  endReached: boolean;
}

/** Generations that a context goes through: files that are rotated with hardly a line in them. */
const filesMax = 20;
/** Records that share an offset: those that were cut again, or rewritten. */
const sharedMax = 100;

/** An event by its id, from wherever it is; undefined when there is none, or none for the asker. */
export async function eventOf(reading: Reading, id: string): Promise<SearchHit | undefined> {
  const place = placeOfId(id);
  if (place === undefined) return undefined;
  const { generation, offset } = place;
  const conditions = [
    ...withinGeneration(generation, { gte: offset, lte: offset }),
    { ids: { values: [id] } },
  ];
  const [hot] = await reading.nearest(conditions, 'asc', 1);
  if (hot !== undefined) return hot;
  for (const arrived of arrivalsSince(generation)) {
    const [found] = await reading.beside(conditions, { order: 'asc', limit: 1, arrived });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The lines around an event. */
export async function contextLines(
  reading: Reading,
  event: SearchHit,
  before: number,
  after: number,
): Promise<ContextLines> {
  const [earlier, later] = await Promise.all([
    side(reading, event, 'desc', before),
    side(reading, event, 'asc', after),
  ]);
  return {
    hits: [...earlier.lines.reverse(), event, ...later.lines],
    index: earlier.lines.length,
    startReached: earlier.reached,
    endReached: later.reached,
  };
}

/** The nearest lines on one side, nearest first; `reached`: there are no more. */
async function side(
  reading: Reading,
  event: SearchHit,
  direction: 'asc' | 'desc',
  count: number,
): Promise<{ lines: SearchHit[]; reached: boolean }> {
  const sign = direction === 'asc' ? 1 : -1;
  // One more says whether there are more; those that share the event's offset may stand on the other side of it.
  const wanted = count + 1;
  const { generation, offset } = placeOf(event);
  const file = { generation, arrived: arrivalsNear(event) };
  const near = await linesFrom(reading, file, offset, direction, wanted + sharedMax);
  const lines = near.filter((hit) => hit.id !== event.id && byPlace(hit, event) * sign > 0);
  let edge = lines.at(-1) ?? event;
  let reached = false;
  for (let files = 1; lines.length < wanted && files < filesMax; files++) {
    const found = await neighbourFile(reading, edge, direction);
    reached = found === undefined;
    if (found === undefined) break;
    const missing = wanted - lines.length;
    lines.push(...(await fileFromEnd(reading, found, direction, missing)));
    edge = lines.at(-1) ?? found;
  }
  // Not when there were too many files to go through: whoever asks again from the last line goes on.
  return { lines: lines.slice(0, count), reached };
}

/** The first lines of the file that an event is of, or the last ones from its end on. */
async function fileFromEnd(
  reading: Reading,
  event: SearchHit,
  direction: 'asc' | 'desc',
  count: number,
): Promise<SearchHit[]> {
  const file = { generation: placeOf(event).generation, arrived: arrivalsNear(event) };
  if (direction === 'asc') return linesFrom(reading, file, 0, 'asc', count);
  const end = await lastOffset(reading, event, file);
  return linesFrom(reading, file, end, 'desc', count);
}

/** The archive is read by stretches of a file: its end has to be known. `event` is the last by time. */
async function lastOffset(reading: Reading, event: SearchHit, file: FilePart): Promise<number> {
  const { generation, arrived } = file;
  const [hot] = await reading.nearest(withinGeneration(generation), 'desc', 1);
  let end = Math.max(placeOf(event).offset, hot === undefined ? 0 : placeOf(hot).offset);
  for (;;) {
    const behind = withinGeneration(generation, { gt: end });
    const hits = await reading.beside(behind, { order: 'desc', limit: behindMax, arrived });
    if (hits.length === 0) return end;
    end = Math.max(...hits.map((hit) => placeOf(hit).offset));
  }
}

/** Lines behind the one that is a file's last by time; more are asked for again. */
const behindMax = 1_000;
