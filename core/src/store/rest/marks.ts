import { createHash } from 'node:crypto';
import { MillraceError } from '../../errors.ts';
import type { Mark } from '../port.ts';
import { engineError, isRecord } from './errors.ts';
import { marksIndex } from './template.ts';

/** Document id of an object's mark: engines take ids up to 512 bytes. */
export function markId(object: string): string {
  if (Buffer.byteLength(object) <= 512) return object;
  return `sha256:${createHash('sha256').update(object).digest('hex')}`;
}

/** A `_bulk` of one action: object keys hold slashes, which not every proxy leaves alone in a path. */
export function markBody(mark: Mark, write: 'create' | 'index' = 'create'): string {
  const action = { [write]: { _index: marksIndex, _id: markId(mark.object) } };
  return `${JSON.stringify(action)}\n${JSON.stringify(mark)}\n`;
}

/**
 * The objects among `keys` that an `_mget` found a mark of.
 * @throws MillraceError STORE_UNAVAILABLE when a shard did not answer: unknown is not unmarked
 */
export function markedKeys(body: unknown, keys: readonly string[]): Set<string> {
  const docs: unknown = isRecord(body) ? body.docs : undefined;
  if (!Array.isArray(docs) || docs.length !== keys.length) {
    throw new MillraceError('STORE_UNAVAILABLE', `_mget: no answer for each of ${keys.length} marks`);
  }
  const found = new Set<string>();
  for (const [i, key] of keys.entries()) {
    const doc: unknown = docs[i];
    if (!isRecord(doc)) continue;
    if (doc.found === true) found.add(key);
    if (doc.error === undefined) continue;
    const { type, reason } = engineError(doc.error);
    // The index is made by the first mark.
    if (type === 'index_not_found_exception') continue;
    throw new MillraceError('STORE_UNAVAILABLE', `_mget of marks: ${type} ${reason}`);
  }
  return found;
}
