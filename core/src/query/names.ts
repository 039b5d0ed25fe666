import type { Query, Span } from './ast.ts';
import { isTablePipe, type Pipe, type PipeField } from './pipes/pipe.ts';
import { countedFields } from './pipes/shape.ts';

/** A field that a query asks about, as it is written there. */
export interface NamedField {
  name: string;
  at: Span;
}

/** Every field that a query's conditions are about; those without a name are about `message`. */
export function fieldsNamed(query: Query): NamedField[] {
  switch (query.type) {
    case 'all':
      return [];
    case 'and':
    case 'or':
      return query.clauses.flatMap(fieldsNamed);
    case 'not':
      return fieldsNamed(query.clause);
    default:
      return [{ name: query.field ?? 'message', at: query.at }];
  }
}

/** A field that a pipe names. */
export interface PipedField extends NamedField {
  /** Its values are shown, as far as they may be; else events are counted, ordered or compared by it. */
  shown: boolean;
}

/** Every field of events that pipes name; behind a table, names are those of its columns. */
export function fieldsPiped(pipes: readonly Pipe[]): PipedField[] {
  const table = pipes.findIndex(isTablePipe);
  const onEvents = table < 0 ? pipes : pipes.slice(0, table + 1);
  return onEvents.flatMap((pipe) =>
    fieldsOf(pipe).map(({ name, at }) => ({
      name,
      at,
      shown: pipe.type === 'fields' || pipe.type === 'patterns',
    })),
  );
}

function fieldsOf(pipe: Pipe): PipeField[] {
  switch (pipe.type) {
    case 'fields':
    case 'dedup':
      return pipe.fields;
    case 'sort':
      return pipe.keys;
    case 'head':
      return [];
    case 'patterns':
      return [{ name: 'message', at: pipe.at }];
    default:
      return countedFields(pipe);
  }
}
