import { comparableTime, compareUtf8 } from '../match-values.ts';
import { numberOf } from '../number.ts';

/** A cell of a table, or a value of an event; undefined and null are nothing. */
export type Cell = string | number | null | undefined;

/** Numbers, and texts that write one, by their size and before other texts; these by their UTF-8 bytes. */
export function compareCells(a: string | number, b: string | number): number {
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== undefined && y !== undefined) return x - y || compareUtf8(String(a), String(b));
  if (x !== undefined || y !== undefined) return x !== undefined ? -1 : 1;
  return compareTexts(String(a), String(b));
}

/** What is not there comes last in both directions. */
export function compareDirected(a: Cell, b: Cell, descending: boolean): number {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : 1;
  if (b === undefined || b === null) return -1;
  return descending ? compareCells(b, a) : compareCells(a, b);
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** Times of different precision lie beside each other as times do. */
function compareTexts(a: string, b: string): number {
  if (time.test(a) && time.test(b)) return compareUtf8(comparableTime(a), comparableTime(b));
  return compareUtf8(a, b);
}

function asNumber(value: string | number): number | undefined {
  return typeof value === 'number' ? value : numberOf(value);
}
