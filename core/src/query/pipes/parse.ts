import { suggest } from '../../config/suggest.ts';
import { queryError } from '../ast.ts';
import { Arguments } from './arguments.ts';
import { countColumn, isTablePipe, type Pipe, type TablePipe, templateColumn, timeColumn } from './pipe.ts';
import { type Stage, stages } from './words.ts';

/** Most pipes behind a condition. */
export const pipesMax = 16;
const rowsMax = 1_000_000;
const topMax = 1_000;
const topDefault = 10;
const byMax = 3;
const fieldsMax = 64;
const keysMax = 8;

/**
 * The pipes of a text whose condition ends at `start`.
 * @throws MillraceError QUERY_INVALID, naming the character
 */
export function parsePipes(text: string, start: number): Pipe[] {
  const pipes: Pipe[] = [];
  let table: TablePipe | undefined;
  for (const stage of stages(text, start)) {
    if (pipes.length === pipesMax)
      throw queryError(stage.at, `more than ${pipesMax} pipes`, 'ask for less at once');
    const pipe = parseStage(stage);
    if (table !== undefined) assertTakesTable(pipe, table);
    if (isTablePipe(pipe)) table = pipe;
    pipes.push(pipe);
  }
  return pipes;
}

interface Form {
  usage: string;
  parse(args: Arguments): Pipe;
}

const forms: Record<string, Form> = {
  count: {
    usage: 'count, or count by FIELD[, FIELD]',
    parse: (args) => ({ type: 'count', by: args.keyword('by') ? args.fields(byMax) : [], at: args.at }),
  },
  top: { usage: 'top [N] FIELD', parse: (args) => ranking(args, 'top') },
  rare: { usage: 'rare [N] FIELD', parse: (args) => ranking(args, 'rare') },
  timechart: {
    usage: 'timechart [WIDTH] [by FIELD], as in timechart 5m by level',
    parse: (args) => ({
      type: 'timechart',
      intervalMs: args.span(),
      by: args.keyword('by') ? args.field() : undefined,
      at: args.at,
    }),
  },
  fields: {
    usage: 'fields FIELD[, FIELD]',
    parse: (args) => ({ type: 'fields', fields: args.fields(fieldsMax), at: args.at }),
  },
  sort: {
    usage: 'sort FIELD [desc], or sort -FIELD',
    parse: (args) => ({ type: 'sort', keys: args.sortKeys(keysMax), at: args.at }),
  },
  head: { usage: 'head N', parse: (args) => head(args) },
  limit: { usage: 'limit N', parse: (args) => head(args) },
  dedup: {
    usage: 'dedup FIELD[, FIELD]',
    parse: (args) => ({ type: 'dedup', fields: args.fields(keysMax), at: args.at }),
  },
  patterns: {
    usage: 'patterns [N]',
    parse: (args) => ({ type: 'patterns', size: args.count(topMax) ?? 20, at: args.at }),
  },
};

/** What others call it. */
const foreign: Record<string, string> = {
  stats: 'count by FIELD counts events by their values',
  group: 'count by FIELD counts events by their values',
  uniq: 'dedup FIELD keeps one event of each value',
  unique: 'dedup FIELD keeps one event of each value',
  distinct: 'dedup FIELD keeps one event of each value',
  table: 'fields a, b chooses what is shown',
  keep: 'fields a, b chooses what is shown',
  project: 'fields a, b chooses what is shown',
  order: 'sort FIELD, or sort -FIELD for the greatest first',
  tail: 'head N gives the newest; for the oldest write sort @timestamp before it',
  first: 'head N gives the first',
  hist: 'timechart 5m counts events over time',
  histogram: 'timechart 5m counts events over time',
  where: 'conditions stand before the first |',
  filter: 'conditions stand before the first |',
  search: 'conditions stand before the first |',
  grep: 'conditions stand before the first |',
};

const textHint = 'put quotes around text with a | in it';

function parseStage(stage: Stage): Pipe {
  const [word] = stage.words;
  const known = `known are ${Object.keys(forms).join(', ')}`;
  if (word === undefined) throw queryError(stage.at, 'nothing follows the pipe', `${known}; ${textHint}`);
  const name = word.text.toLowerCase();
  const form = word.plain && Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (form === undefined) {
    // count(tag) is how others write it.
    const near = suggest(/^[a-z]{1,32}/.exec(name)?.[0] ?? '', Object.keys(forms));
    const instead = Object.hasOwn(foreign, name) ? foreign[name] : undefined;
    const cure = instead ?? (near === undefined ? known : `did you mean "${near}"?`);
    throw queryError(word.at, `unknown pipe "${word.text.slice(0, 32)}"`, `${cure}; ${textHint}`);
  }
  const args = new Arguments(stage, name, form.usage);
  const pipe = form.parse(args);
  args.end();
  return pipe;
}

function ranking(args: Arguments, type: 'top' | 'rare'): Pipe {
  return { type, size: args.count(topMax) ?? topDefault, field: args.field(), at: args.at };
}

function head(args: Arguments): Pipe {
  const size = args.count(rowsMax);
  if (size === undefined) {
    args.end();
    throw queryError(args.at, `${args.name} takes a number`, `write ${args.name} 100`);
  }
  return { type: 'head', size, at: args.at };
}

/** Columns that a pipe's table surely has; undefined when they depend on the events. */
function columnsOf(pipe: TablePipe): string[] | undefined {
  switch (pipe.type) {
    case 'count':
      return [...pipe.by.map(({ name }) => name), countColumn];
    case 'top':
    case 'rare':
      return [pipe.field.name, countColumn];
    case 'timechart':
      return pipe.by === undefined ? [timeColumn, countColumn] : undefined;
    case 'patterns':
      return [templateColumn, countColumn];
  }
}

function assertTakesTable(pipe: Pipe, table: TablePipe): void {
  if (pipe.type === 'head') return;
  if (pipe.type !== 'fields' && pipe.type !== 'sort')
    throw queryError(
      pipe.at,
      `${pipe.type} needs events, and ${table.type} before it makes a table of them`,
      'after a table, sort, head and fields may follow',
    );
  const columns = columnsOf(table);
  for (const { name, at } of pipe.type === 'sort' ? pipe.keys : pipe.fields) {
    if (columns === undefined || columns.includes(name)) continue;
    const near = suggest(name.slice(0, 64), columns);
    throw queryError(
      at,
      `${table.type} makes no column "${name.slice(0, 64)}"`,
      near === undefined ? `its columns are ${columns.join(', ')}` : `did you mean "${near}"?`,
    );
  }
}
