import { createHash } from 'node:crypto';
import { MillraceError } from '@millrace/core/errors.ts';
import { keyLength } from './arrival.ts';
import { type Handled, namedMax } from './handled.ts';

/** What a cursor belongs to. */
export interface TailQuery {
  q: string;
  stream?: string;
}

export const tailCursorMax = 8 * 1024;

/** The last time that there is; milliseconds since 1970. */
const lastMs = 8.64e15;

const pattern = /^t1\.([0-9a-z]{1,12})\.([0-9a-z]{1,12})\.([0-9a-z]{1,8})\.([\w-]*)\.([\w-]{16})$/;

/** Where a tail is: opaque to clients, and fit for a header, as `Last-Event-ID` is one. */
export function encodeTailCursor(handled: Handled, query: TailQuery): string {
  const numbers = [handled.edge, handled.floor, handled.before].map((value) => value.toString(36));
  const text = `t1.${numbers.join('.')}.${handled.keys.join('')}`;
  return `${text}.${checksum(text, query)}`;
}

/** Whether a text is meant as a cursor and not as a time. */
export function isTailCursor(text: string): boolean {
  return text.startsWith('t1.');
}

/** @throws MillraceError QUERY_INVALID: damaged, or of another query */
export function decodeTailCursor(text: string, query: TailQuery): Handled {
  const match = text.length <= tailCursorMax ? pattern.exec(text) : null;
  const [, edge = '', floor = '', before = '', keys = '', check] = match ?? [];
  const [edgeMs = 0, floorMs = 0, count = 0] = [edge, floor, before].map((part) => Number.parseInt(part, 36));
  const damaged = match === null || check !== checksum(text.slice(0, text.lastIndexOf('.')), query);
  if (damaged || Math.max(edgeMs, floorMs) > lastMs) {
    throw new MillraceError('QUERY_INVALID', 'the cursor is damaged or belongs to another query', {
      hint: 'pass the id of the last message as it came, with the same q and stream; or start again without it',
    });
  }
  return { edge: edgeMs, floor: floorMs, before: count, keys: keysOf(keys) };
}

function keysOf(text: string): string[] {
  const keys: string[] = [];
  for (let at = 0; at < text.length && keys.length < namedMax; at += keyLength)
    keys.push(text.slice(at, at + keyLength));
  return keys;
}

/** Against accidents; a cursor gives no right that the query itself does not. */
function checksum(text: string, { q, stream }: TailQuery): string {
  const whole = JSON.stringify([text, q, stream ?? null]);
  return createHash('sha256').update(whole).digest('base64url').slice(0, 16);
}
