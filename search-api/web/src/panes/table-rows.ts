import type { Table } from '../api/types.ts';

type Row = Table['rows'][number];

/** Rows in order of a column: numbers by size, all else as text; a tie stays as it was. */
export function sorted(rows: readonly Row[], column: number, order: 'asc' | 'desc'): Row[] {
  const sign = order === 'asc' ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    // What is missing stands behind all else, whatever the order.
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (isNumber(x) && isNumber(y)) return x < y ? -sign : x > y ? sign : 0;
    return String(x) < String(y) ? -sign : String(x) > String(y) ? sign : 0;
  });
}

/** Integers beyond 2^53 are bigints. */
function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** A bar beside a row: widths of its parts, and which column each is. */
export interface Bars {
  columns: number[];
  /** What the full width is. */
  max: number;
}

/** Columns whose numbers are worth bars: all of them beside a time, else the last one; undefined: none. */
export function barsOf({ columns, rows }: Table): Bars | undefined {
  const numbers = columns.flatMap(({ type }, i) => (type === 'number' ? [i] : []));
  const drawn = columns[0]?.type === 'time' ? numbers : numbers.slice(-1);
  const max = rows.reduce((most, row) => Math.max(most, sumOf(row, drawn)), 0);
  return drawn.length === 0 || max <= 0 ? undefined : { columns: drawn, max };
}

function sumOf(row: Row, columns: readonly number[]): number {
  return columns.reduce((sum, column) => sum + Math.max(0, Number(row[column] ?? 0)), 0);
}
