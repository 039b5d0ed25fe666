import type { PushSource } from '../../config/pipeline.ts';
import { timeParams, timeRule } from '../../config/plugins/parse-common.ts';
import { parsers } from '../../config/plugins/parsers.ts';
import {
  type Context,
  optional,
  type ParsedBy,
  required,
  type SourcePlugin,
  type Table,
  withDefault,
} from '../../config/plugins/plugin.ts';
import { pluginOf } from '../../config/plugins/registry.ts';
import { childSection, idOf, readSection } from '../../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../../config/syntax/tree.ts';
import { bool, oneOf, string, stringLike, time, timeText } from '../../config/values.ts';
import type { RecordSettings } from './record-reader.ts';

const tagType = stringLike(/^[^\s\p{Cc}]{1,256}$/u, 'a tag (no spaces, 256 characters at most)');

/** Of every source that reads a pipe. */
export const pipeParams = {
  multiline_flush_interval: withDefault(
    time(100, 3_600_000),
    5_000,
    'The last record of a multiline `<parse>` is taken after this time.',
  ),
};

const table = {
  title: '<source> @type exec',
  doc:
    'Takes what a command writes to its standard output, each line a record unless `<parse>` (by default `none`) says ' +
    'otherwise. Without run_interval it is run again when it ends, after 1s to 60s. It ends with the agent, however that ends.',
  params: {
    command: required(string, 'Command for `/bin/sh`, or a JSON array of a program and its arguments.'),
    connect_mode: withDefault(
      oneOf('read', 'read_with_stderr'),
      'read',
      '`read`: its standard error is logged; `read_with_stderr`: it is read too.',
    ),
    run_interval: optional(
      time(100, 366 * 86_400_000),
      'runs always',
      'Time between the end of a run and the next one, and before the first.',
    ),
    tag: optional(tagType, 'required without tag_key', 'Tag of events that have none of their own.'),
    ...pipeParams,
  },
  notApplicable: {
    read_block_size: 'pipes are read as they fill',
    scrub: 'bytes that are no text are shown as U+FFFD, and kept',
  },
  refused: {
    encoding: { why: 'pipes hold UTF-8', harmless: ['utf-8', 'UTF-8'] },
    expand_environment_variables: { why: 'the command is run by a shell', harmless: ['false'] },
  },
  sections: ['parse', 'extract'],
} satisfies Table;

export const extractTable = {
  title: '<source> @type exec, <extract>',
  doc: 'Takes tag and time of events from their fields.',
  params: {
    tag_key: optional(string, 'none', 'Field whose text is the tag.'),
    keep_tag_key: withDefault(bool, false, 'Keep that field.'),
    time_key: optional(string, 'that of `<parse>`', 'Field that holds the time.'),
    ...timeParams,
  },
  notApplicable: { tag_type: 'a tag is text' },
} satisfies Table;

/** A source of `@type exec`. */
export interface ExecConfig {
  argv: string[];
  mergeStderr: boolean;
  runIntervalMs: number | undefined;
  records: RecordSettings;
}

export const exec: SourcePlugin = {
  table,
  compile(section, context): Omit<PushSource, 'label'> {
    const { settings } = readSection(section, table, context);
    const id = idOf(section, 'source', context);
    const records = compileRecords(section, { id, origin: `exec://${id}`, ...settings }, context);
    const config: ExecConfig = {
      argv: argvOf(section, settings.command ?? ''),
      mergeStderr: settings.connect_mode === 'read_with_stderr',
      runIntervalMs: settings.run_interval,
      records,
    };
    const { runIntervalMs } = config;
    return {
      id,
      where: placeText(section),
      tag: settings.tag,
      describe: () => [
        ['runs', runIntervalMs === undefined ? 'always' : `every ${timeText(runIntervalMs)}`],
        [
          'tag',
          records.tagKey === undefined ? records.tag : `the field ${records.tagKey}, else "${records.tag}"`,
        ],
      ],
      async create(inputContext) {
        const { ExecInput } = await import('./exec-input.ts');
        return new ExecInput(config, inputContext);
      },
    };
  },
};

/** How the bytes of a pipe become records. */
export function compileRecords(
  section: ConfigSection,
  source: { id: string; origin: string; tag: string | undefined; multiline_flush_interval: number },
  context: Context,
): RecordSettings {
  const parse = childSection(section, 'parse');
  const parsed: ParsedBy = parse
    ? pluginOf(parsers, parse).compile(parse, context)
    : { framing: { type: 'newline' }, rule: { v: 1, parse: { type: 'none' } } };
  const { rule, tagKey } = extracted(childSection(section, 'extract'), parsed.rule, context);
  const { id, origin, tag } = source;
  if (tag === undefined && tagKey === undefined)
    throw configError(section, `tag: required in ${table.title}, or tag_key in <extract>`);
  return {
    source: id,
    origin,
    tag: tag ?? 'exec',
    tagKey,
    framing: parsed.framing,
    rule,
    flushMs: source.multiline_flush_interval,
  };
}

function extracted(
  section: ConfigSection | undefined,
  rule: ParsedBy['rule'],
  context: Context,
): { rule: ParsedBy['rule']; tagKey: string | undefined } {
  if (!section) return { rule, tagKey: undefined };
  const { settings } = readSection(section, extractTable, context);
  const { tag_key: tagKey, time_key: timeKey } = settings;
  if ((tagKey ?? timeKey) !== undefined && rule.parse.type === 'none')
    throw configError(section, '<extract>: records of <parse> @type none have no fields');
  const timed =
    timeKey === undefined ? rule : { ...rule, time: timeRule(section, settings, timeKey, 'float', context) };
  if (tagKey === undefined || settings.keep_tag_key) return { rule: timed, tagKey };
  const steps = [...(timed.steps ?? []), { op: 'remove' as const, keys: [tagKey] }];
  return { rule: { ...timed, steps }, tagKey };
}

function argvOf(section: ConfigSection, command: string): string[] {
  if (!command.startsWith('[')) return ['/bin/sh', '-c', command];
  const place = section.params.get('command') ?? section;
  let argv: unknown;
  try {
    argv = JSON.parse(command);
  } catch {
    // `[ -e file ] && …` is a command of the shell.
    return ['/bin/sh', '-c', command];
  }
  if (Array.isArray(argv) && argv.length > 0 && argv.every((part) => typeof part === 'string')) return argv;
  throw configError(place, 'command: a JSON array of texts is expected');
}
