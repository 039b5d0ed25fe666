import type { Dsl, SearchHit, SortValues } from '@millrace/core/store/port.ts';

/** Where an event stands: its generation, and its place there. */
export interface Place {
  /** As documents have it. */
  generation: string;
  offset: number;
  tie: number;
}

const generationBytes = 16;
const idPattern = /^[A-Za-z0-9_-]{35}$/;

/** What an event's id says of its place; undefined for what is no id (D3). */
export function placeOfId(id: string): Omit<Place, 'tie'> | undefined {
  if (!idPattern.test(id)) return undefined;
  const bytes = Buffer.from(id, 'base64url');
  if (bytes.toString('base64url') !== id) return undefined;
  const generation = bytes.subarray(0, generationBytes).toString('base64url');
  return { generation, offset: bytes.readUIntBE(generationBytes, 6) };
}

export function placeOf({ source }: SearchHit): Place {
  const { log, event } = source as {
    log?: { offset?: number };
    event?: { generation?: string; tie?: number };
  };
  return { generation: event?.generation ?? '', offset: log?.offset ?? 0, tie: event?.tie ?? 0 };
}

/** The order of a file: by offset, and where records were cut or shipped twice under one offset, by the end of the id. */
export function byPlace(a: SearchHit, b: SearchHit): number {
  const [x, y] = [placeOf(a), placeOf(b)];
  return x.offset - y.offset || x.tie - y.tie;
}

/** The values of the order of a search; a hit has those of the order in which it was found. */
export function eventOrder(hit: SearchHit): SortValues {
  const { source } = hit;
  const { log } = source as { log?: { file?: { path?: string } } };
  const { generation, offset, tie } = placeOf(hit);
  return [String(source['@timestamp']), log?.file?.path ?? null, generation, offset, tie];
}

/** When a generation was first seen, milliseconds since 1970; undefined for those that are no file's (D3). */
export function mintedMs(generation: string): number | undefined {
  const bytes = Buffer.from(generation, 'base64url');
  return bytes.length === generationBytes && (bytes[6] ?? 0) >> 4 === 7 ? bytes.readUIntBE(0, 6) : undefined;
}

/** Events of a generation whose offsets are in a range; absent bounds are open. */
export function withinGeneration(generation: string, offsets: Record<string, number> = {}): Dsl[] {
  const range = Object.keys(offsets).length === 0 ? [] : [{ range: { 'log.offset': offsets } }];
  return [{ term: { 'event.generation': { value: generation } } }, ...range];
}
