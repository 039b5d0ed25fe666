import { createHash } from 'node:crypto';
import { MillraceError } from '@millrace/core/errors.ts';
import type { SortValues } from '@millrace/core/store/port.ts';

/** Where a page begins or ends. Opaque to clients: base64url of JSON, versioned, with a checksum. */
export interface Cursor {
  /** The present of the first page, milliseconds since 1970: `now-15m` means the same on all pages. */
  nowMs: number;
  order: 'asc' | 'desc';
  /** next: the page begins after `values`; previous: it ends before them. */
  side: 'next' | 'previous';
  /** Sort values of a hit. */
  values: SortValues;
  /** As the first page counted it. */
  total?: Total | undefined;
  /** Of the point in time that the pages are within. */
  point?: string | undefined;
}

export interface Total {
  value: number;
  relation: 'eq' | 'gte';
}

/** What a cursor belongs to: it cannot go on in another query. */
export interface CursorQuery {
  q: string;
  from: string;
  to: string;
  stream?: string;
}

const version = 2;
const textMax = 16_384;
/** Values that the store's order has. */
const sortValues = 5;

export function encodeCursor(cursor: Cursor, query: CursorQuery): string {
  const { nowMs, order, side, values, total, point } = cursor;
  const counted = total === undefined ? null : [total.value, total.relation];
  const fields = [version, nowMs, order, side, values, counted, point ?? null, queryHash(query)];
  return Buffer.from(JSON.stringify([...fields, checksum(fields)])).toString('base64url');
}

/** @throws MillraceError QUERY_INVALID: damaged, of another version, or of another query or direction */
export function decodeCursor(text: string, query: CursorQuery, order: Cursor['order']): Cursor {
  const fields = readFields(text);
  if (fields?.[0] !== version || fields.length !== 9) throw invalid('is damaged or of another version');
  const [, nowMs, direction, side, values, counted, point, hash, check] = fields;
  if (check !== checksum(fields.slice(0, -1))) throw invalid('is damaged');
  if (hash !== queryHash(query)) throw invalid('belongs to another query');
  if (direction !== order) throw invalid('belongs to the other sort direction');
  if (!Number.isSafeInteger(nowMs) || !isSortValues(values)) throw invalid('is damaged');
  return {
    nowMs: Number(nowMs),
    order,
    side: side === 'previous' ? 'previous' : 'next',
    values,
    total: totalOf(counted),
    point: typeof point === 'string' ? point : undefined,
  };
}

function totalOf(counted: unknown): Total | undefined {
  if (!Array.isArray(counted) || !Number.isSafeInteger(counted[0])) return undefined;
  return { value: Number(counted[0]), relation: counted[1] === 'eq' ? 'eq' : 'gte' };
}

function readFields(text: string): unknown[] | undefined {
  if (text.length > textMax || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // said by the caller, like any other damage
  }
}

function isSortValues(value: unknown): value is SortValues {
  if (!Array.isArray(value) || value.length !== sortValues) return false;
  return value.every((item) => item === null || typeof item === 'string' || Number.isFinite(item));
}

function queryHash({ q, from, to, stream }: CursorQuery): string {
  return checksum([q, from, to, stream ?? null]);
}

/** Against accidents and guesswork; a cursor gives no right that the query itself does not. */
function checksum(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);
}

function invalid(what: string): MillraceError {
  return new MillraceError('QUERY_INVALID', `the cursor ${what}`, {
    hint: 'pass next_cursor or prev_cursor as it came, with the same q, from, to, stream and sort; or start without a cursor',
  });
}
