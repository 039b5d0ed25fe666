import type { Framing } from '../pipeline.ts';
import { readSection } from '../read-section.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { regexp, stringLike } from '../values.ts';
import { parserLater, parserNotApplicable, ruleOf, translated } from './parse-common.ts';
import { fieldParams, fieldsRule } from './parse-regexp.ts';
import { optional, type Param, type ParserPlugin, required, type Table } from './plugin.ts';

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
    'breaks; without any, the text is the message and nothing else.',
  params: {
    format_firstline: required(regexp, 'Matches the lines that begin a record.'),
    ...formatParams(),
    ...fieldParams,
  },
  notApplicable: {
    ...parserNotApplicable,
    unmatched_lines: 'a record that does not match is indexed as its raw text with the reason',
  },
  later: parserLater,
} satisfies Table;

export const parseMultiline: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const { format_firstline: firstline } = settings;
    if (firstline === undefined) return { framing: { type: 'newline' }, rule: ruleOf({ type: 'none' }) };
    const first = translated(section, 'format_firstline', firstline, 'line', context);
    const framing: Framing = {
      type: 'multiline',
      firstline: first.compiled,
      firstlineSource: `/${firstline.source}/${firstline.flags}`,
    };
    // A format that could not be read is a problem already noted.
    const unread = [...given].some(
      (name) => /^format\d/.test(name) && !(settings as Record<string, unknown>)[name],
    );
    const formats = unread ? undefined : joinedFormats(section);
    if (formats === undefined) return { framing, rule: ruleOf({ type: 'none' }) };
    const js = translated(section, 'format1', { source: formats, flags: 'm' }, 'lines', context);
    return { framing, rule: fieldsRule(section, 'format1', js, settings, context) };
  },
};

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
