import type { RenderedDocument } from '../document/types.ts';

/**
 * The two NDJSON lines that create one document, each with its newline; with `index` one that is there already is
 * replaced. `ingested` is an ISO time.
 *
 * Spliced, not parsed: a source ends with its `event` object, which gets two more members. `event.tie` is what the
 * id holds beyond generation and offset: paging has a total order by it, without sorting by `_id`, which costs
 * heap on one engine and is refused by the other.
 */
export function bulkAction(
  { index, id, source }: RenderedDocument,
  ingested: string,
  write: 'create' | 'index' = 'create',
): string {
  return opening(index, id, write) + source.slice(0, -2) + closing(id, ingested);
}

/**
 * The same lines, of a source that is bytes, into `target` at `at`, which has room for the source and
 * `actionBytesMax` more. Returns where they end.
 */
export function writeBulkAction(
  target: Buffer,
  at: number,
  { index, id, source }: { index: string; id: string; source: Buffer },
  ingested: string,
  write: 'create' | 'index',
): number {
  const [before, after] = [opening(index, id, write), closing(id, ingested)];
  const end = at + before.length + source.length - 2 + after.length;
  // Writing past the end would not fail, but cut.
  if (end > target.length) throw new RangeError(`a document of ${end - at} bytes has ${target.length - at}`);
  const middle = at + target.write(before, at, 'latin1');
  source.copy(target, middle, 0, source.length - 2);
  target.write(after, end - after.length, 'latin1');
  return end;
}

function opening(index: string, id: string, write: string): string {
  return `{"${write}":{"_index":"${index}","_id":"${id}"}}\n`;
}

function closing(id: string, ingested: string): string {
  return `,"ingested":"${ingested}","tie":${eventTie(id)}}}\n`;
}

/** The NDJSON line that deletes one document. */
export function deleteAction(index: string, id: string): string {
  return `{"delete":{"_index":"${index}","_id":"${id}"}}\n`;
}

/** Bytes of the two lines beside the source, for the longest names there are. */
export const actionBytesMax = 320;

const digits = new Uint8Array(128);
for (const [value, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
].entries()) {
  digits[char.charCodeAt(0)] = value;
}

/** The last 36 bits of an event id's text, two bits of its offset and the CRC: exact in a double. */
function eventTie(id: string): number {
  let tie = 0;
  for (let i = Math.max(0, id.length - 6); i < id.length; i++) {
    tie = tie * 64 + (digits[id.charCodeAt(i) & 127] ?? 0);
  }
  return tie;
}
