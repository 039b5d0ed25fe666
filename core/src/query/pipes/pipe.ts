import type { Span } from '../ast.ts';

/** What is done, one after the other, with the events that meet a condition. */
export type Pipe = EventsPipe | TablePipe;

/** Takes events and gives events; `fields`, `sort` and `head` take tables as well. */
export type EventsPipe = FieldsPipe | SortPipe | HeadPipe | DedupPipe;

/** Takes events and gives a table. */
export type TablePipe = CountPipe | TopPipe | TimechartPipe | PatternsPipe;

/** A field as somebody typed it, or a column of a table. */
export interface PipeField {
  name: string;
  at: Span;
}

/** `fields a, b`: chooses and orders what is shown; events keep their time and id. */
export interface FieldsPipe {
  type: 'fields';
  fields: PipeField[];
  at: Span;
}

/** `sort -a, b`: by a, the greatest first, and where that is equal by b. */
export interface SortPipe {
  type: 'sort';
  keys: SortKey[];
  at: Span;
}

export interface SortKey extends PipeField {
  descending: boolean;
}

/** `head 10`, `limit 10`. */
export interface HeadPipe {
  type: 'head';
  size: number;
  at: Span;
}

/** `dedup a, b`: keeps the first of those with the same values. */
export interface DedupPipe {
  type: 'dedup';
  fields: PipeField[];
  at: Span;
}

/** `count`, `count by a, b`. */
export interface CountPipe {
  type: 'count';
  by: PipeField[];
  at: Span;
}

/** `top 20 a`, `rare a`: the values that most, or fewest, events have. */
export interface TopPipe {
  type: 'top' | 'rare';
  size: number;
  field: PipeField;
  at: Span;
}

/** `timechart 5m by a`; without a span the width follows from the time that is asked for. */
export interface TimechartPipe {
  type: 'timechart';
  intervalMs: number | undefined;
  by: PipeField | undefined;
  at: Span;
}

/** `patterns 20`: messages by their template. */
export interface PatternsPipe {
  type: 'patterns';
  size: number;
  at: Span;
}

/** Names of the columns that hold what was counted, and the time of a bucket. */
export const countColumn = 'count';
export const timeColumn = 'time';
export const templateColumn = 'template';

export function isTablePipe(pipe: Pipe): pipe is TablePipe {
  return ['count', 'top', 'rare', 'timechart', 'patterns'].includes(pipe.type);
}
