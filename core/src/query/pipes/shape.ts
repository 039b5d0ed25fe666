import type { DedupPipe, FieldsPipe, HeadPipe, Pipe, PipeField, SortPipe, TablePipe } from './pipe.ts';
import { isTablePipe } from './pipe.ts';

/** Pipes, sorted by what they work on. */
export interface PipeShape {
  /** Order of time that the events are read in. */
  order: 'asc' | 'desc';
  /** Whether a pipe asks for that order. */
  ordered: boolean;
  /** What changes which events go on, or in which order. */
  events: (SortPipe | HeadPipe | DedupPipe)[];
  /** Names to show of events; undefined: all. */
  fields: PipeField[] | undefined;
  table: TablePipe | undefined;
  afterTable: (FieldsPipe | SortPipe | HeadPipe)[];
}

/** `order` is how events are read when no pipe says otherwise. */
export function shapeOf(pipes: readonly Pipe[], order: 'asc' | 'desc' = 'desc'): PipeShape {
  const shape: PipeShape = {
    order,
    ordered: false,
    events: [],
    fields: undefined,
    table: undefined,
    afterTable: [],
  };
  for (const pipe of pipes) {
    if (isTablePipe(pipe)) shape.table = pipe;
    else if (shape.table !== undefined) {
      if (pipe.type !== 'dedup') shape.afterTable.push(pipe);
    } else if (pipe.type === 'fields') shape.fields = pipe.fields;
    else if (byTime(pipe) && shape.events.length === 0) {
      shape.order = pipe.keys[0]?.descending === true ? 'desc' : 'asc';
      shape.ordered = true;
    } else shape.events.push(pipe);
  }
  return shape;
}

/** A sort that events can be read in: none has to be held back for it. */
function byTime(pipe: Pipe): pipe is SortPipe {
  return pipe.type === 'sort' && pipe.keys.length === 1 && pipe.keys[0]?.name === '@timestamp';
}

/** Fields that a pipe counts by. */
export function countedFields(pipe: TablePipe): PipeField[] {
  switch (pipe.type) {
    case 'count':
      return pipe.by;
    case 'top':
    case 'rare':
      return [pipe.field];
    case 'timechart':
      return pipe.by === undefined ? [] : [pipe.by];
    case 'patterns':
      return [];
  }
}
