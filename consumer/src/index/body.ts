import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { actionBytesMax, writeBulkAction } from '@millrace/core/store/action.ts';
import type { Group } from './group.ts';
import type { Entry } from './queue.ts';

/** A document that the queue takes. */
export interface Taken {
  document: RenderedDocument;
  /** Set when it is the fallback shape: why. */
  reason: string | undefined;
}

/**
 * Documents of a block as entries, their sources as UTF-8 in one piece of memory. As strings, those that wait to be
 * sent would be copied by the garbage collector again and again, and flattened once more for the request.
 */
export function entriesOf(taken: readonly Taken[], group: Group, block: string | undefined): Entry[] {
  const sizes = taken.map(({ document }) => Buffer.byteLength(document.source));
  const all = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + size, 0));
  let end = 0;
  return taken.map(({ document: { index, id, source: text }, reason }) => {
    const start = end;
    end += all.write(text, start);
    const source = all.subarray(start, end);
    return { index, id, source, group, block, bytes: source.length + actionBytesMax, deferred: 0, reason };
  });
}

/** A `_bulk` body of entries whose `bytes` count what is beside their sources too. `ingested` is an ISO time. */
export function bulkBody(entries: readonly Entry[], ingested: string, write: 'create' | 'index'): Buffer {
  const body = Buffer.allocUnsafeSlow(entries.reduce((sum, { bytes }) => sum + bytes, 0));
  let end = 0;
  for (const entry of entries) end = writeBulkAction(body, end, entry, ingested, write);
  return body.subarray(0, end);
}
