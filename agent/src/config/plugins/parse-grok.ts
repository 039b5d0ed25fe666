import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { expandGrok, type PatternSet, readPatterns, standardSet } from '../grok/expand.ts';
import type { Framing } from '../pipeline.ts';
import { readSection } from '../read-section.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { oneOf, regexp, string } from '../values.ts';
import {
  detectParams,
  detectRule,
  parserNotApplicable,
  readingOf,
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
  type SettingsOf,
  type Table,
  withDefault,
} from './plugin.ts';

type Multi = Extract<Rule['parse'], { type: 'multi' }>;

const patternParams = {
  time_key: withDefault(string, 'time', "Field that holds the event's time."),
  ...timeParams,
  ...valueParams,
};

const grokTable = {
  title: '<grok>',
  doc: 'One of several patterns: the first that matches is the one. What is not given here is as in `<parse>`.',
  params: {
    pattern: optional(
      string,
      'none',
      'Grok pattern: text, expressions, `%{NAME}`, `%{NAME:field}`, `%{NAME:field:type}`.',
    ),
    name: optional(string, 'its number, from 0', 'Value of grok_name_key.'),
    ...patternParams,
  },
  notApplicable: parserNotApplicable,
} satisfies Table;

const params = {
  grok_pattern: optional(string, 'none', 'The one pattern; for several write `<grok>` sections.'),
  custom_pattern_path: optional(
    string,
    'none',
    'File, or folder of files, with patterns of your own: `NAME expression` lines. They replace standard ones.',
  ),
  grok_pattern_series: withDefault(oneOf('legacy'), 'legacy', 'Fields of the standard patterns.'),
  grok_name_key: optional(string, 'none', 'Field that says which pattern matched.'),
  ...patternParams,
  ...detectParams,
};

const table = {
  title: '<parse> @type grok',
  doc:
    'Patterns of named expressions, expanded when the configuration is read. Known are the general, syslog, httpd, ' +
    'Java, Ruby, HAProxy, Redis, PostgreSQL, Squid, S3 and ELB patterns of Logstash, by expressions that run in linear time.',
  params,
  sections: ['grok'],
  repeatable: ['grok'],
  notApplicable: {
    ...parserNotApplicable,
    grok_failure_key: 'a record that does not match has the reason in `error.message`',
  },
} satisfies Table;

const multilineTable = {
  ...table,
  title: '<parse> @type multiline_grok',
  doc: 'As grok, for records of several lines.',
  params: {
    multiline_start_regexp: optional(regexp, 'none', 'Matches the lines that begin a record.'),
    ...params,
  },
} satisfies Table;

export const parseGrok: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    return { framing: { type: 'newline' }, rule: grokRule(section, settings, given, 'line', context) };
  },
};

export const parseMultilineGrok: ParserPlugin = {
  table: multilineTable,
  compile(section, context) {
    const { settings, given } = readSection(section, multilineTable, context);
    const { multiline_start_regexp: start } = settings;
    let framing: Framing = { type: 'newline' };
    if (start !== undefined) {
      const first = translated(section, 'multiline_start_regexp', start, 'line', context);
      framing = {
        type: 'multiline',
        firstline: first.compiled,
        firstlineSource: `/${first.source}/${first.flags}`,
      };
    }
    return { framing, rule: grokRule(section, settings, given, 'lines', context) };
  },
};

function grokRule(
  section: ConfigSection,
  settings: SettingsOf<typeof params>,
  given: ReadonlySet<string>,
  text: 'line' | 'lines',
  context: Context,
): Rule {
  const patterns = patternSet(section, settings.custom_pattern_path);
  const { grok_pattern: single, grok_name_key: nameKey } = settings;
  const children = section.children.filter(({ name }) => name === 'grok');
  if (single !== undefined && children.length > 0)
    throw configError(
      section.params.get('grok_pattern') ?? section,
      'grok_pattern: stands beside <grok> sections',
    );
  if (single === undefined && children.length === 0)
    throw configError(section, `${table.title}: grok_pattern or a <grok> section is required`);
  if (children.length > 64) throw configError(section, '<grok>: more than 64 of them');
  const found: Multi['patterns'] = [];
  if (single !== undefined) {
    found.push(reading(section, 'grok_pattern', single, settings, { patterns, text }, context));
  }
  for (const [index, child] of children.entries()) {
    const own = inherited(child, section);
    const { settings: ownSettings } = readSection(own, grokTable, context);
    const { pattern, name = String(index) } = ownSettings;
    if (pattern === undefined) throw configError(child, 'pattern: required in <grok>');
    const one = reading(own, 'pattern', pattern, ownSettings, { patterns, text }, context);
    found.push(nameKey === undefined ? one : { ...one, mark: { key: nameKey, value: name } });
  }
  const timed = found.every(({ time }) => time !== undefined) && !timeOpenIn(given);
  const detect = detectRule(section, settings, !timed, context);
  const [first] = found;
  if (found.length === 1 && first !== undefined && first.mark === undefined)
    return { v: 1, ...first, ...detect };
  return { v: 1, parse: { type: 'multi', patterns: found }, ...detect };
}

function timeOpenIn(given: ReadonlySet<string>): boolean {
  return !given.has('time_key') && !given.has('time_format');
}

/** A `<grok>` section with the parameters of `<parse>` that it does not give itself. */
function inherited(child: ConfigSection, parent: ConfigSection): ConfigSection {
  const shared = [...parent.params].filter(([name]) => Object.hasOwn(patternParams, name));
  return { ...child, params: new Map([...shared, ...child.params]) };
}

function reading(
  section: ConfigSection,
  name: string,
  pattern: string,
  settings: SettingsOf<typeof patternParams>,
  { patterns, text }: { patterns: PatternSet; text: 'line' | 'lines' },
  context: Context,
): Multi['patterns'][number] {
  const place = section.params.get(name) ?? section;
  const grok = attempt(place, name, () => expandGrok(pattern, patterns));
  if (grok.fields.size === 0)
    throw configError(
      place,
      `${name}: nothing in it has a name, so nothing would become a field`,
      'write %{NAME:field}',
    );
  const flags = text === 'lines' ? 'm' : '';
  const js = translated(section, name, { source: grok.source, flags }, text, context);
  const { time_key: key } = settings;
  const types = new Map([...grok.types, ...(settings.types ?? [])]);
  const rule: Rule = {
    v: 1,
    parse: {
      type: 'regexp',
      expression: js.source,
      flags: js.flags,
      ...(grok.names && { names: grok.names }),
    },
    ...(grok.fields.has(key) && { time: timeRule(section, settings, key, 'string', context) }),
    ...valuesRule(section, { ...settings, types }, context),
  };
  return readingOf(rule) as Multi['patterns'][number];
}

/** The standard set, and the user's own patterns over it. */
function patternSet(section: ConfigSection, path: string | undefined): PatternSet {
  const set = standardSet();
  if (path === undefined) return set;
  const place = section.params.get('custom_pattern_path') ?? section;
  attempt(place, 'custom_pattern_path', () => {
    const files = statSync(path).isDirectory()
      ? readdirSync(path)
          .sort()
          .map((name) => join(path, name))
      : [path];
    for (const file of files) if (statSync(file).isFile()) readPatterns(readFileSync(file, 'utf8'), set);
  });
  return set;
}

function attempt<T>(place: Parameters<typeof configError>[0], name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const hint = isMillraceError(error, 'CONFIG_INVALID') ? error.hint : undefined;
    throw configError(place, `${name}: ${messageOf(error)}`, hint);
  }
}
