import { MillraceError } from '../../errors.ts';
import type { BulkResult } from '../port.ts';
import { engineError, isPassing, isRecord, retryCause } from './errors.ts';

/** Keeps a `_bulk` answer small: per item its status, and what was wrong. */
export const bulkFilter = 'errors,items.*.status,items.*.error';

const created: BulkResult = Object.freeze({ kind: 'created' });
const exists: BulkResult = Object.freeze({ kind: 'exists' });

/**
 * The answer of one `_bulk`, one result per action in order.
 * @throws MillraceError STORE_UNAVAILABLE when it is not an answer to `count` actions
 */
export function bulkResults(body: unknown, count: number): BulkResult[] {
  const items = isRecord(body) ? body.items : undefined;
  if (!Array.isArray(items) || items.length !== count) {
    const got = Array.isArray(items) ? `${items.length} items` : 'no items';
    throw new MillraceError('STORE_UNAVAILABLE', `_bulk: ${got} answered for ${count} actions`);
  }
  return items.map(bulkResult);
}

function bulkResult(item: unknown): BulkResult {
  const outcome: unknown = isRecord(item) ? (item.create ?? Object.values(item)[0]) : undefined;
  const status = isRecord(outcome) ? outcome.status : undefined;
  if (status === 201 || status === 200) return created;
  if (status === 409) return exists;
  // What is to be deleted is not there, or its index is not.
  if (status === 404 && isRecord(item) && item.delete !== undefined) return created;
  if (typeof status !== 'number') return { kind: 'retry', status: 0, reason: 'an item without a status' };
  const said = engineError(isRecord(outcome) ? outcome.error : undefined);
  if (isPassing(status, said)) {
    const cause = retryCause(said);
    return { kind: 'retry', status, reason: `${said.type} ${said.reason}`, ...(cause && { cause }) };
  }
  return { kind: 'rejected', status, type: said.type, reason: said.reason };
}
