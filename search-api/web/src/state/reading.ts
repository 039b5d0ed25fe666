import { isMillraceError } from '@millrace/core/errors.ts';
import { parseSearch } from '@millrace/core/query/parser.ts';
import { shapeOf } from '@millrace/core/query/pipes/shape.ts';

/**
 * The order of time in which an answer is read on behind its last row; undefined for what comes whole: rows that a
 * stage sorted, counted off or folded have no place in time from which there is more.
 */
export function readingOrder(q: string, sort: 'asc' | 'desc'): 'asc' | 'desc' | undefined {
  try {
    const { order, events, table } = shapeOf(parseSearch(q).pipes, sort);
    return events.length > 0 || table !== undefined ? undefined : order;
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    // The server says what is wrong with it.
    return sort;
  }
}
