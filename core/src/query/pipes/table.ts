import type { Groups } from './groups.ts';
import { compareDirected } from './order.ts';
import {
  type CountPipe,
  countColumn,
  type FieldsPipe,
  type HeadPipe,
  type SortPipe,
  type TablePipe,
  type TopPipe,
  templateColumn,
  timeColumn,
} from './pipe.ts';

/** The answer of a pipe that counts. Times are ISO 8601; a value of a field is text. */
export interface Table {
  columns: Column[];
  rows: (string | number | null)[][];
}

export interface Column {
  name: string;
  type: 'text' | 'number' | 'time';
}

/** The time of a timechart, milliseconds since 1970. */
export interface ChartTime {
  fromMs: number;
  /** Exclusive. */
  toMs: number;
  intervalMs: number;
}

/** Values that a timechart has a column for; the rest are `other`. */
export const seriesMax = 10;
export const otherColumn = 'other';
/** Most stretches of a timechart that are drawn. */
export const stretchesMax = 1_000;

const counted: Column = { name: countColumn, type: 'number' };

/** The table of a pipe, from what was counted for it; `groups` of a timechart begin with the stretch. */
export function tableOf(
  pipe: Exclude<TablePipe, { type: 'patterns' }>,
  groups: Groups,
  time: ChartTime | undefined,
): Table {
  if (pipe.type === 'timechart') {
    if (time === undefined) throw new TypeError('a timechart needs its time');
    return pipe.by === undefined ? overTime(groups, time) : seriesOverTime(pipe.by.name, groups, time);
  }
  return ranking(pipe, groups);
}

export function patternsTable(templates: { template: string; count: number }[]): Table {
  return {
    columns: [{ name: templateColumn, type: 'text' }, counted],
    rows: templates.map(({ template, count }) => [template, count]),
  };
}

function ranking(pipe: CountPipe | TopPipe, groups: Groups): Table {
  const names = pipe.type === 'count' ? pipe.by.map(({ name }) => name) : [pipe.field.name];
  const columns: Column[] = [...names.map((name): Column => ({ name, type: 'text' })), counted];
  if (names.length === 0) return { columns, rows: [[groups.total]] };
  const ranked = groups.ranked(pipe.type === 'rare' ? 'rarest' : 'most');
  const shown = pipe.type === 'count' ? ranked : ranked.slice(0, pipe.size);
  return { columns, rows: shown.map(({ values, count }) => [...values, count]) };
}

function overTime(groups: Groups, time: ChartTime): Table {
  const counts = new Map(groups.ranked('most').map(({ values, count }) => [Number(values[0]), count]));
  return {
    columns: [{ name: timeColumn, type: 'time' }, counted],
    rows: stretches(time).map((ms) => [timeText(ms), counts.get(ms) ?? 0]),
  };
}

/** A row for each stretch, a column for each of the commonest values, and one for what all others have together. */
function seriesOverTime(name: string, groups: Groups, time: ChartTime): Table {
  const whole = new Map<string, number>();
  const cells = new Map<string, number>();
  const all = new Map<string, number>();
  for (const { values, count } of groups.ranked('most')) {
    const [ms = '', value = ''] = values;
    whole.set(value, (whole.get(value) ?? 0) + count);
    cells.set(`${ms} ${value}`, count);
    all.set(ms, (all.get(ms) ?? 0) + count);
  }
  const ranked = [...whole].sort((a, b) => b[1] - a[1] || compareDirected(a[0], b[0], false));
  const shown = ranked.slice(0, seriesMax).map(([value]) => value);
  const hasRest = ranked.length > seriesMax;
  const cell = (ms: number, value: string) => cells.get(`${ms} ${value}`) ?? 0;
  // There may be ten thousand of the others: what is not theirs is less to add.
  const rest = (ms: number) =>
    shown.reduce((left, value) => left - cell(ms, value), all.get(String(ms)) ?? 0);
  const columns: Column[] = [
    { name: timeColumn, type: 'time' },
    ...shown.map((value): Column => ({ name: value, type: 'number' })),
    ...(!hasRest ? [] : [{ name: otherColumn, type: 'number' } satisfies Column]),
  ];
  // Without any value there is nothing to draw but the name that was asked for.
  if (shown.length === 0) columns.push({ name, type: 'number' });
  return {
    columns,
    rows: stretches(time).map((ms) => [
      timeText(ms),
      ...(shown.length === 0 ? [0] : shown.map((value) => cell(ms, value))),
      ...(hasRest ? [rest(ms)] : []),
    ]),
  };
}

/** Beginnings of the stretches, empty ones included. */
function stretches(time: ChartTime): number[] {
  const { first, end } = chartBounds(time);
  const count = Math.min((end - first) / time.intervalMs, stretchesMax + 1);
  return Array.from({ length: count }, (_, i) => first + i * time.intervalMs);
}

/** Whole stretches; of a first or last one that is cut, the query says what is counted. */
export function chartBounds({ fromMs, toMs, intervalMs }: ChartTime): { first: number; end: number } {
  const first = stretchOf(fromMs, intervalMs);
  return { first, end: first + Math.max(1, Math.ceil((toMs - first) / intervalMs)) * intervalMs };
}

export function stretchOf(ms: number, intervalMs: number): number {
  return Math.floor(ms / intervalMs) * intervalMs;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** A pipe after the one that made the table. */
export function pipedTable(table: Table, pipe: FieldsPipe | SortPipe | HeadPipe): Table {
  const { columns, rows } = table;
  const indexOf = (name: string) => columns.findIndex((column) => column.name === name);
  switch (pipe.type) {
    case 'head':
      return { columns, rows: rows.slice(0, pipe.size) };
    case 'sort': {
      const keys = pipe.keys.map(({ name, descending }) => ({ index: indexOf(name), descending }));
      return { columns, rows: sorted(rows, keys) };
    }
    case 'fields': {
      const indices = pipe.fields.map(({ name }) => indexOf(name)).filter((index) => index >= 0);
      return {
        columns: indices.flatMap((index) => columns[index] ?? []),
        rows: rows.map((row) => indices.map((index) => row[index] ?? null)),
      };
    }
  }
}

function sorted(rows: Table['rows'], keys: { index: number; descending: boolean }[]): Table['rows'] {
  return [...rows].sort((a, b) => {
    for (const { index, descending } of keys) {
      const order = compareDirected(a[index], b[index], descending);
      if (order !== 0) return order;
    }
    return 0;
  });
}
