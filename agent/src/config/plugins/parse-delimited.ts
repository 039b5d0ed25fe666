import type { LeafParse } from '@millrace/core/rule/parse-schema.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { readSection } from '../read-section.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { array, regexp, string, stringLike } from '../values.ts';
import {
  detectParams,
  detectRule,
  parserNotApplicable,
  timeIsOpen,
  timeParams,
  timeRule,
  translated,
  valueParams,
  valuesRule,
} from './parse-common.ts';
import {
  type Context,
  optional,
  type ParserPlugin,
  required,
  type SettingsOf,
  type Table,
  withDefault,
} from './plugin.ts';

const delimiter = stringLike(/^[\s\S]{1,16}$/u, 'a delimiter of 1 to 16 characters');
const columnParams = { ...timeParams, ...valueParams, ...detectParams };
const oneParser = 'there is one parser for it';

/** In bare values `\t` is two characters. */
function delimiterText(text: string): string {
  return text === '\\t' ? '\t' : text;
}

function columnTable(name: string, doc: string, delimiterDefault: string) {
  return {
    title: `<parse> @type ${name}`,
    doc,
    params: {
      keys: required(array, 'Names of the columns. A column that is empty or missing has no field.'),
      delimiter: withDefault(delimiter, delimiterDefault, 'What separates columns.'),
      time_key: optional(string, 'none', "Column that holds the event's time."),
      ...columnParams,
    },
    notApplicable: { ...parserNotApplicable, parser_engine: oneParser, parser_type: oneParser },
  } satisfies Table;
}

function columnPlugin(
  table: ReturnType<typeof columnTable>,
  parseOf: (keys: string[], delimiter: string) => LeafParse,
): ParserPlugin {
  return {
    table,
    compile(section, context) {
      const { settings, given } = readSection(section, table, context);
      const keys = settings.keys ?? [];
      if (given.has('keys')) checkKeys(section, keys);
      const { time_key: key } = settings;
      if (key !== undefined && !keys.includes(key))
        context.problems.notice(
          section.params.get('time_key') ?? section,
          `time_key: no column is named "${key}"`,
        );
      const time = key === undefined ? undefined : timeRule(section, settings, key, 'string', context);
      const parse = parseOf(keys, delimiterText(settings.delimiter));
      return { framing: { type: 'newline' }, rule: ruleOf(section, settings, parse, time, given, context) };
    },
  };
}

function checkKeys(section: ConfigSection, keys: string[]): void {
  const place = section.params.get('keys') ?? section;
  if (keys.length === 0) throw configError(place, 'keys: at least one name is expected');
  if (keys.length > 1_024) throw configError(place, 'keys: more than 1024 names');
  const bad = keys.find((key) => !/^\P{Cc}{1,256}$/u.test(key));
  if (bad !== undefined) throw configError(place, `keys: ${JSON.stringify(bad)} cannot be a name`);
}

function ruleOf(
  section: ConfigSection,
  settings: SettingsOf<typeof columnParams>,
  parse: LeafParse,
  time: Rule['time'],
  given: ReadonlySet<string>,
  context: Context,
): Rule {
  return {
    v: 1,
    parse,
    ...(time && { time }),
    ...valuesRule(section, settings, context),
    ...detectRule(section, settings, timeIsOpen(given), context),
  };
}

export const parseCsv = columnPlugin(
  columnTable('csv', 'Columns separated by commas; values in double quotes may hold them (RFC 4180).', ','),
  (keys, separator) => ({ type: 'csv', keys, ...(separator !== ',' && { delimiter: separator }) }),
);

export const parseTsv = columnPlugin(
  columnTable('tsv', 'Columns separated by tabs; quotes are characters like any other.', '\\t'),
  (keys, separator) => ({ type: 'csv', keys, delimiter: separator, quote: false }),
);

const ltsvTable = {
  title: '<parse> @type ltsv',
  doc: '`label:value` pairs separated by tabs.',
  params: {
    delimiter: withDefault(delimiter, '\\t', 'What separates pairs.'),
    delimiter_pattern: optional(regexp, 'none', 'In place of delimiter: matches what separates pairs.'),
    label_delimiter: withDefault(delimiter, ':', 'What separates label and value.'),
    time_key: withDefault(string, 'time', "Label of the event's time."),
    ...columnParams,
  },
  notApplicable: parserNotApplicable,
} satisfies Table;

export const parseLtsv: ParserPlugin = {
  table: ltsvTable,
  compile(section, context) {
    const { settings, given } = readSection(section, ltsvTable, context);
    const separator = delimiterText(settings.delimiter);
    const label = delimiterText(settings.label_delimiter);
    const parse: Extract<LeafParse, { type: 'ltsv' }> = { type: 'ltsv' };
    if (separator !== '\t') parse.delimiter = separator;
    if (label !== ':') parse.label_delimiter = label;
    if (settings.delimiter_pattern !== undefined) {
      const js = translated(section, 'delimiter_pattern', settings.delimiter_pattern, 'line', context);
      parse.pattern = js.source;
      parse.flags = js.flags;
    }
    const time = timeRule(section, settings, settings.time_key, 'string', context);
    return {
      framing: { type: 'newline' },
      rule: ruleOf(section, settings, parse, time, given, context),
    };
  },
};
