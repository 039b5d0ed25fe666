import type { EventTime } from './parsed.ts';
import type { ReadTime } from './strptime.ts';
import { Cursor } from './time-cursor.ts';
import { emptyTimeFields, resolveTime, type TimeFields } from './time-fields.ts';
import type { Zone } from './zone.ts';

/**
 * ISO 8601 and RFC 3339 as logs write them: `2026-01-02[T| ]03:04[:05[.fraction|,fraction]][ ][Z|±HH:MM|±HHMM|±HH|UTC]`,
 * `-` or `/` between the numbers of the date, or a date alone.
 */
export function compileIso(zone: Zone): ReadTime {
  return (text, captured): EventTime | string => {
    const cursor = new Cursor(text);
    const fields = emptyTimeFields();
    cursor.skipSpace();
    if (!readDate(cursor, fields)) return 'not an ISO 8601 date';
    if (readSeparator(cursor)) {
      if (!readClock(cursor, fields)) return 'not an ISO 8601 time of day';
      cursor.skipSpace();
      if (!cursor.done()) fields.offset = cursor.offset();
      cursor.skipSpace();
    }
    if (!cursor.done()) return `text after the time at character ${cursor.at + 1}`;
    return resolveTime(fields, zone, captured);
  };
}

function readDate(cursor: Cursor, fields: TimeFields): boolean {
  const year = exactly(cursor, 4, 0, 9999);
  if (year === undefined) return false;
  const slash = cursor.literal('/');
  if (!slash && !cursor.literal('-')) return false;
  const month = exactly(cursor, 2, 1, 12);
  if (month === undefined || !cursor.literal(slash ? '/' : '-')) return false;
  const day = exactly(cursor, 2, 1, 31);
  if (day === undefined) return false;
  fields.year = year;
  fields.month = month;
  fields.day = day;
  return true;
}

/** True when a time of day must follow. */
function readSeparator(cursor: Cursor): boolean {
  if (cursor.literal('T') || cursor.literal('t')) return true;
  cursor.skipSpace();
  return !cursor.done();
}

function readClock(cursor: Cursor, fields: TimeFields): boolean {
  const hour = exactly(cursor, 2, 0, 23);
  if (hour === undefined || !cursor.literal(':')) return false;
  const minute = exactly(cursor, 2, 0, 59);
  if (minute === undefined) return false;
  fields.hour = hour;
  fields.minute = minute;
  if (!cursor.literal(':')) return true;
  const second = exactly(cursor, 2, 0, 60);
  if (second === undefined) return false;
  fields.second = second;
  if (!cursor.literal('.') && !cursor.literal(',')) return true;
  return cursor.fraction(fields, Number.MAX_SAFE_INTEGER);
}

function exactly(cursor: Cursor, width: number, min: number, max: number): number | undefined {
  const start = cursor.at;
  const value = cursor.number(width);
  if (value === undefined || cursor.at - start !== width || value < min || value > max) return undefined;
  return value;
}
