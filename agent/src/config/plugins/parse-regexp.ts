import type { Rule } from '@millrace/core/rule/rule.ts';
import { readSection } from '../read-section.ts';
import type { JsRegexp } from '../ruby-regexp.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { bool, regexp, string } from '../values.ts';
import {
  detectParams,
  detectRule,
  parserNotApplicable,
  timeParams,
  timeRule,
  translated,
  valueParams,
  valuesRule,
} from './parse-common.ts';
import {
  type Context,
  type ParserPlugin,
  required,
  type SettingsOf,
  type Table,
  withDefault,
} from './plugin.ts';

/** Parameters of every parser whose fields are named groups. */
export const fieldParams = {
  time_key: withDefault(string, 'time', "Group that holds the event's time."),
  ...timeParams,
  ...valueParams,
  ...detectParams,
};

const table = {
  title: '<parse> @type regexp',
  doc: 'Named groups of a Ruby expression become fields. It runs in linear time: no look-around, no backreference.',
  params: {
    expression: required(regexp, '`/…/` with flags `i` (ignore case), `m` (dot matches line breaks), `x`.'),
    ignorecase: withDefault(bool, false, 'The same as the flag `i`.'),
    multiline: withDefault(bool, false, 'The same as the flag `m`.'),
    ...fieldParams,
  },
  notApplicable: parserNotApplicable,
} satisfies Table;

export const parseRegexp: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const { expression, ignorecase, multiline } = settings;
    // Given without a readable value: the problem is noted already.
    if (expression === undefined)
      return { framing: { type: 'newline' }, rule: { v: 1, parse: { type: 'none' } } };
    const flags = `${expression.flags}${ignorecase ? 'i' : ''}${multiline ? 'm' : ''}`;
    const js = translated(section, 'expression', { source: expression.source, flags }, 'line', context);
    return {
      framing: { type: 'newline' },
      rule: fieldsRule(section, 'expression', js, settings, context),
    };
  },
};

/** @throws MillraceError CONFIG_INVALID when no group has a name, or for time and types */
export function fieldsRule(
  section: ConfigSection,
  name: string,
  js: JsRegexp,
  settings: SettingsOf<typeof fieldParams>,
  context: Context,
): Rule {
  if (js.groups.length === 0)
    throw configError(
      section.params.get(name) ?? section,
      `${name}: no group has a name, so nothing would become a field`,
      'write (?<name>…) around what is to be a field',
    );
  const { time_key: key } = settings;
  const hasTime = js.groups.includes(key);
  const given = section.params.get('time_key');
  if (!hasTime && given) context.problems.notice(given, `time_key: no group is named "${key}"`);
  const timeGiven = given !== undefined || settings.time_format !== undefined;
  return {
    v: 1,
    parse: { type: 'regexp', expression: js.source, flags: js.flags },
    ...(hasTime && { time: timeRule(section, settings, key, 'string', context) }),
    ...valuesRule(section, settings, context),
    ...detectRule(section, settings, !hasTime || !timeGiven, context),
  };
}
