import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { writeBulkAction } from '@millrace/core/store/action.ts';
import type { Entry } from './queue.ts';

/**
 * The sources of documents as UTF-8, views of one piece of memory. As strings, those that wait to be sent would be
 * copied by the garbage collector again and again, and flattened once more for the request.
 */
export function encodeSources(documents: readonly RenderedDocument[]): Buffer[] {
  const sizes = documents.map(({ source }) => Buffer.byteLength(source));
  const all = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + size, 0));
  let end = 0;
  return documents.map(({ source }, i) => {
    const start = end;
    end += sizes[i] as number;
    all.write(source, start);
    return all.subarray(start, end);
  });
}

/** A `_bulk` body of entries whose `bytes` count what is beside their sources too. `ingested` is an ISO time. */
export function bulkBody(entries: readonly Entry[], ingested: string, write: 'create' | 'index'): Buffer {
  const body = Buffer.allocUnsafeSlow(entries.reduce((sum, { bytes }) => sum + bytes, 0));
  let end = 0;
  for (const entry of entries) end = writeBulkAction(body, end, entry, ingested, write);
  return body.subarray(0, end);
}
