import type { Dsl, SearchHit } from '@millrace/core/store/port.ts';
import { mintedMs, placeOf } from './place.ts';
import { reachNs, timeNs } from './reach.ts';
import type { Reading } from './reading.ts';

/** Generations that are looked at for the one before or after; more have lines of one moment only in odd cases. */
const looksMax = 50;

/**
 * An event of the generation before, or after, that of `edge`, which is its first or last line: of the files that had
 * the same stream, host and path, the one that was first seen right before or after it. Undefined: there is none.
 *
 * By time first, since such a file has lines next to these; by when it was first seen where lines of several files
 * have one time.
 */
export async function neighbourFile(
  reading: Reading,
  edge: SearchHit,
  direction: 'asc' | 'desc',
): Promise<SearchHit | undefined> {
  const { generation } = placeOf(edge);
  const seenMs = mintedMs(generation);
  const file = sameFile(edge);
  if (seenMs === undefined || file === undefined) return undefined;
  const isBetter = (a: number, b: number) => (direction === 'desc' ? a > b : a < b);
  const ns = timeNs(edge);
  const within =
    direction === 'desc' ? { fromNs: ns - reachNs, toNs: ns } : { fromNs: ns, toNs: ns + reachNs };
  const others = [generation];
  let best: { hit: SearchHit; ms: number } | undefined;
  for (let look = 0; look < looksMax; look++) {
    const not = others.map((value) => ({ term: { 'event.generation': { value } } }));
    const conditions = [...file, { bool: { must_not: not } }];
    const [hit] = await reading.anywhere(conditions, { order: direction, limit: 1, within });
    // What is further away in time was seen earlier, or later, as well.
    if (hit === undefined || (best !== undefined && timeNs(hit) !== timeNs(best.hit))) break;
    const found = placeOf(hit).generation;
    const ms = mintedMs(found);
    others.push(found);
    if (ms === undefined || !isBetter(seenMs, ms)) continue;
    if (best === undefined || isBetter(ms, best.ms)) best = { hit, ms };
  }
  return best?.hit;
}

/** Undefined for what is no file: events of other producers have no path. */
function sameFile({ source }: SearchHit): Dsl[] | undefined {
  const { stream, host, log } = source as {
    stream?: string;
    host?: { name?: string };
    log?: { file?: { path?: string } };
  };
  const path = log?.file?.path;
  if (path === undefined || host?.name === undefined || stream === undefined) return undefined;
  return [
    { term: { stream: { value: stream } } },
    { term: { 'host.name': { value: host.name } } },
    { term: { 'log.file.path': { value: path } } },
  ];
}
