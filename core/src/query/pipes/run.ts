import { comparableTime } from '../match-values.ts';
import { Groups } from './groups.ts';
import { type Cell, compareDirected } from './order.ts';
import type { DedupPipe, SortPipe, TablePipe } from './pipe.ts';
import { countedFields, type PipeShape } from './shape.ts';
import {
  type ChartTime,
  chartBounds,
  patternsTable,
  pipedTable,
  stretchOf,
  type Table,
  tableOf,
} from './table.ts';
import { type PipedDocument, type ReadValues, valuesReader } from './values.ts';

export interface PipeLimits {
  /** Groups that are counted at a time. */
  groupsMax: number;
  /** Events that a sort or a dedup holds back. */
  rowsMax: number;
  /** Rough bytes of those events. */
  bytesMax: number;
}

/** What templates are mined by: core/patterns, given by whoever may use it. */
export interface MessageMiner {
  add(message: string): void;
  templates(): { template: string; count: number }[];
}

/** An event that passed all pipes. */
export interface Row<Document extends PipedDocument> {
  document: Document;
  /** After `dedup`: how many events it stands for. */
  count?: number;
}

export interface PipeRun<Document extends PipedDocument> {
  /** Takes the next event; false when no further one could change the answer. */
  add(document: Document): boolean;
  /** Counts that somebody else made, such as the store. Only where the pipes count and no event is held back. */
  groups: Groups;
  /** Gives what was held back; afterwards the table is complete. */
  end(): PipeEnd;
}

export interface PipeEnd {
  /** When the pipes make one. */
  table: Table | undefined;
  /** Which bounds kept something out. */
  shortfalls: ('buckets' | 'rows')[];
}

/**
 * Runs pipes over events in their order. Rows are emitted as soon as they are sure: at once, or at the end behind a
 * sort or a dedup.
 */
export function runPipes<Document extends PipedDocument>(
  shape: PipeShape,
  limits: PipeLimits,
  options: {
    emit?: ((row: Row<Document>) => void) | undefined;
    time?: ChartTime | undefined;
    miner?: MessageMiner | undefined;
  },
): PipeRun<Document> {
  const groups = new Groups(limits.groupsMax);
  const { table, afterTable } = shape;
  const { emit, time, miner } = options;
  const last: Step<Document> =
    table === undefined
      ? { add: (row) => emit?.(row) ?? true, end: () => undefined }
      : { add: counter(table, groups, time, miner), end: () => undefined };
  let short = false;
  const tooMany = () => {
    short = true;
  };
  const first = shape.events.reduceRight<Step<Document>>((next, pipe) => {
    if (pipe.type === 'head') return headStep(pipe.size, next);
    if (pipe.type === 'sort') return sortStep(pipe, limits, next, tooMany);
    return dedupStep(pipe, limits, next, tooMany);
  }, last);
  return {
    groups,
    add: (document) => first.add({ document }) !== false,
    end() {
      first.end();
      const shortfalls: PipeEnd['shortfalls'] = [
        ...(groups.full ? (['buckets'] as const) : []),
        ...(short ? (['rows'] as const) : []),
      ];
      if (table === undefined) return { table: undefined, shortfalls };
      const made =
        table.type === 'patterns'
          ? patternsTable((miner?.templates() ?? []).slice(0, table.size))
          : tableOf(table, groups, time);
      return { table: afterTable.reduce(pipedTable, made), shortfalls };
    },
  };
}

interface Step<Document extends PipedDocument> {
  /** False: needs no more. */
  // biome-ignore lint/suspicious/noConfusingVoidType: what gives nothing back goes on
  add(row: Row<Document>): boolean | void;
  end(): void;
}

function headStep<D extends PipedDocument>(size: number, next: Step<D>): Step<D> {
  let left = size;
  return {
    add(row) {
      if (left <= 0) return false;
      left--;
      return next.add(row) !== false && left > 0;
    },
    end: () => next.end(),
  };
}

/** Of more rows than may be held, the last ones by this order are let go. */
function sortStep<D extends PipedDocument>(
  pipe: SortPipe,
  { rowsMax, bytesMax }: PipeLimits,
  next: Step<D>,
  tooMany: () => void,
): Step<D> {
  const keys = pipe.keys.map(({ name, descending }) => ({ read: sortValue(name), descending }));
  let held: { row: Row<D>; values: Cell[] }[] = [];
  let bytes = 0;
  const sortHeld = () => {
    held.sort((a, b) => {
      for (const [i, { descending }] of keys.entries()) {
        const order = compareDirected(a.values[i], b.values[i], descending);
        if (order !== 0) return order;
      }
      return 0;
    });
    let sum = 0;
    const end = held.findIndex(({ row }, i) => {
      sum += roughBytes(row.document);
      return i >= rowsMax || (sum > bytesMax && i > 0);
    });
    if (end >= 0) {
      held = held.slice(0, end);
      tooMany();
    }
    bytes = sum;
  };
  return {
    add(row) {
      held.push({ row, values: keys.map(({ read }) => read(row.document)) });
      bytes += roughBytes(row.document);
      if (held.length >= rowsMax * 2 || bytes > bytesMax * 2) sortHeld();
    },
    end() {
      sortHeld();
      for (const { row } of held) if (next.add(row) === false) break;
      next.end();
    },
  };
}

function sortValue(name: string): (document: PipedDocument) => Cell {
  const read = valuesReader(name);
  const isTime = name === '@timestamp' || name === 'event.ingested';
  return (document) => {
    const [value] = read(document);
    return value === undefined || !isTime ? value : comparableTime(value);
  };
}

/** Of events with the same values the first is kept, and told how many they are; having none is a value too. */
function dedupStep<D extends PipedDocument>(
  pipe: DedupPipe,
  { rowsMax, bytesMax }: PipeLimits,
  next: Step<D>,
  tooMany: () => void,
): Step<D> {
  const readers = pipe.fields.map(({ name }) => valuesReader(name));
  const kept = new Map<string, Row<D> & { count: number }>();
  let bytes = 0;
  return {
    add(row) {
      const key = JSON.stringify(readers.map((read) => read(row.document)));
      const first = kept.get(key);
      if (first !== undefined) first.count += row.count ?? 1;
      else if (kept.size < rowsMax && bytes < bytesMax) {
        bytes += roughBytes(row.document) + key.length;
        kept.set(key, { ...row, count: row.count ?? 1 });
      } else tooMany();
    },
    end() {
      for (const row of kept.values()) if (next.add(row) === false) break;
      next.end();
    },
  };
}

/** Other fields of an event are small beside a large message. */
function roughBytes({ source }: PipedDocument): number {
  return 1_000 + (typeof source.message === 'string' ? 2 * source.message.length : 0);
}

function counter<D extends PipedDocument>(
  pipe: TablePipe,
  groups: Groups,
  time: ChartTime | undefined,
  miner: MessageMiner | undefined,
): (row: Row<D>) => void {
  if (pipe.type === 'patterns')
    return ({ document }) => {
      groups.total++;
      miner?.add(String(document.source.message ?? ''));
    };
  const readers: ReadValues[] = countedFields(pipe).map(({ name }) => valuesReader(name));
  if (pipe.type !== 'timechart')
    return ({ document }) => groups.addEvent(readers.map((read) => read(document)));
  if (time === undefined) throw new TypeError('a timechart needs its time');
  const { intervalMs } = time;
  const { first, end } = chartBounds(time);
  return ({ document }) => {
    const ms = Date.parse(String(document.source['@timestamp']));
    const within = ms >= first && ms < end;
    if (within)
      groups.addEvent([[String(stretchOf(ms, intervalMs))], ...readers.map((read) => read(document))]);
  };
}
