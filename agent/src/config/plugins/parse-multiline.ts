import type { Rule } from '@millrace/core/rule/rule.ts';
import { groupBoundsDefault } from '../../tail/framing.ts';
import type { Framing, GroupBounds } from '../pipeline.ts';
import { readSection } from '../read-section.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { integer, oneOf, regexp, size, stringLike } from '../values.ts';
import { detectRule, parserNotApplicable, translated } from './parse-common.ts';
import { fieldParams, fieldsRule } from './parse-regexp.ts';
import {
  type Context,
  optional,
  type Param,
  type ParserPlugin,
  type SettingsOf,
  type Table,
  withDefault,
} from './plugin.ts';

const formatsMax = 20;

const formatType = stringLike(/^\/[\s\S]*\/$/, 'an expression between slashes without flags');

function formatParams(): Record<string, Param<string | undefined>> {
  const params: Record<string, Param<string | undefined>> = {};
  for (let i = 1; i <= formatsMax; i++)
    params[`format${i}`] = optional(
      formatType,
      'none',
      i === 1
        ? 'Expressions, one after another, that the whole record matches; named groups become fields.'
        : 'Goes on where the one before ends.',
    );
  return params;
}

const table = {
  title: '<parse> @type multiline',
  doc:
    'Records of several lines. `format1` to `format20` are joined to one expression, in which `.` matches line ' +
    'breaks; without any, the text is the message and nothing else. Records begin as `format_firstline`, ' +
    '`continuation` or `continuation_pattern` says; without any of these, one ends with the line that makes the ' +
    'formats match, as in fluentd.',
  params: {
    format_firstline: optional(regexp, 'none', 'Matches the lines that begin a record.'),
    continuation: optional(
      oneOf('indented', 'stacktrace'),
      'none',
      'In place of format_firstline: which lines go on with the record before them. `indented`: those that begin with ' +
        'white space; `stacktrace`: these, and `at …`, `Caused by:`, `Suppressed:` and `... 7 more`.',
    ),
    continuation_pattern: optional(
      regexp,
      'none',
      'In place of format_firstline: matches the lines that go on with the record before them.',
    ),
    multiline_max_lines: withDefault(
      integer(1, 100_000),
      groupBoundsDefault.lines,
      'A record is cut after so many lines; the pieces are marked as such.',
    ),
    multiline_max_bytes: withDefault(
      size(1024, groupBoundsDefault.bytes),
      groupBoundsDefault.bytes,
      'A record is cut at the line that would make it longer than this; the pieces are marked as such.',
    ),
    ...formatParams(),
    ...fieldParams,
  },
  notApplicable: {
    ...parserNotApplicable,
    unmatched_lines: 'a record that does not match is indexed as its raw text with the reason',
  },
} satisfies Table;

export const parseMultiline: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const bounds = { lines: settings.multiline_max_lines, bytes: settings.multiline_max_bytes };
    const beginning = framingOf(section, settings, given, bounds, context);
    // A format that could not be read is a problem already noted.
    const unread = [...given].some(
      (name) => /^format\d/.test(name) && !(settings as Record<string, unknown>)[name],
    );
    const formats = unread ? undefined : joinedFormats(section);
    if (formats === undefined) {
      if (!beginning && !unread && !beginnings.some((name) => given.has(name)))
        throw configError(
          section,
          `${table.title}: nothing says where a record begins or ends`,
          'give it format_firstline, continuation or format1',
        );
      const detect = detectRule(section, settings, true, context);
      const rule: Rule = { v: 1, parse: { type: 'none' }, ...detect };
      return { framing: beginning ?? { type: 'newline' }, rule };
    }
    const js = translated(section, 'format1', { source: formats, flags: 'm' }, 'lines', context);
    const framing: Framing = beginning ?? { type: 'matching', whole: js.compiled, bounds };
    return { framing, rule: fieldsRule(section, 'format1', js, settings, context) };
  },
};

const continuations = {
  indented: /^[ \t]/,
  stacktrace: /^(?:[ \t]|at |Caused by:|Suppressed:|\.\.\. \d+ (?:more|common frames omitted))/,
};

const beginnings = ['format_firstline', 'continuation', 'continuation_pattern'] as const;

/** Where records begin; undefined where only the formats say where one ends. */
function framingOf(
  section: ConfigSection,
  settings: Pick<SettingsOf<typeof table.params>, (typeof beginnings)[number]>,
  given: ReadonlySet<string>,
  bounds: GroupBounds,
  context: Context,
): Framing | undefined {
  const [first, second] = beginnings.filter((name) => given.has(name));
  if (second !== undefined)
    throw configError(
      section.params.get(second) ?? section,
      `${second}: contradicts ${first}, give one of them`,
    );
  const { format_firstline: firstline, continuation, continuation_pattern: pattern } = settings;
  if (firstline) {
    const { compiled } = translated(section, 'format_firstline', firstline, 'line', context);
    return {
      type: 'multiline',
      firstline: compiled,
      firstlineSource: `/${firstline.source}/${firstline.flags}`,
      bounds,
    };
  }
  if (continuation)
    return { type: 'continuation', continuation: continuations[continuation], name: continuation, bounds };
  if (!pattern) return undefined;
  const { compiled } = translated(section, 'continuation_pattern', pattern, 'line', context);
  return {
    type: 'continuation',
    continuation: compiled,
    name: `/${pattern.source}/${pattern.flags}`,
    bounds,
  };
}

function joinedFormats(section: ConfigSection): string | undefined {
  const parts: string[] = [];
  for (let i = 1; i <= formatsMax; i++) {
    const param = section.params.get(`format${i}`);
    if (param === undefined || param.nil !== undefined) continue;
    if (parts.length < i - 1)
      throw configError(param, `format${i}: format${parts.length + 1} is missing before it`);
    parts.push(param.value.slice(1, -1));
  }
  return parts.length === 0 ? undefined : parts.join('');
}
