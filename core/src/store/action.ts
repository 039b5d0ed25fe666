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
  const event = `,"ingested":"${ingested}","tie":${eventTie(id)}}}`;
  return `{"${write}":{"_index":"${index}","_id":"${id}"}}\n${source.slice(0, -2)}${event}\n`;
}

/** The NDJSON line that deletes one document. */
export function deleteAction(index: string, id: string): string {
  return `{"delete":{"_index":"${index}","_id":"${id}"}}\n`;
}

/** Bytes of the two lines beside the source. */
export const actionBytesMax = 320;

const digits = new Uint8Array(128);
for (const [value, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
].entries()) {
  digits[char.charCodeAt(0)] = value;
}

/** The last 36 bits of an event id's text, two bits of its offset and the CRC: exact in a double. */
/** `event.tie` of an event. */
export function eventTie(id: string): number {
  let tie = 0;
  for (let i = Math.max(0, id.length - 6); i < id.length; i++) {
    tie = tie * 64 + (digits[id.charCodeAt(i) & 127] ?? 0);
  }
  return tie;
}
