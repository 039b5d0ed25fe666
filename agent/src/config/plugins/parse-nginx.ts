import { readSection } from '../read-section.ts';
import type { ConfigSection } from '../syntax/tree.ts';
import { regexp, string } from '../values.ts';
import {
  detectParams,
  parserNotApplicable,
  timeParams,
  timeRule,
  translated,
  valueParams,
} from './parse-common.ts';
import { fieldsRule } from './parse-regexp.ts';
import {
  type Context,
  optional,
  type ParsedBy,
  type ParserPlugin,
  type Table,
  withDefault,
} from './plugin.ts';

const columns = 'the columns of an access log have fixed types, and "-" is no value';

/** One format, and two names that it has in fluentd. */
function accessTable(name: string, doc: string) {
  return {
    title: `<parse> @type ${name}`,
    doc,
    params: {
      expression: optional(
        regexp,
        'none',
        'Replaces the format: its named groups become fields, as for @type regexp.',
      ),
      time_key: withDefault(
        string,
        'time',
        'Name of the field with the time as text, where keep_time_key is true.',
      ),
      ...timeParams,
    },
    notApplicable: {
      ...parserNotApplicable,
      ...Object.fromEntries(Object.keys(valueParams).map((param) => [param, columns])),
      detect_time: 'every line has its time',
      detect_level: 'an access log has no levels',
    },
  } satisfies Table;
}

const expressionParams = { ...valueParams, ...detectParams };

function compileAccess(
  table: ReturnType<typeof accessTable>,
  section: ConfigSection,
  context: Context,
): ParsedBy {
  if (section.params.has('expression')) return compileExpression(table, section, context);
  const { settings, given } = readSection(section, table, context);
  // Without any of these the parser knows how the time is written.
  const asked = Object.keys(timeParams).some((name) => given.has(name));
  const time = asked ? timeRule(section, settings, settings.time_key, 'string', context) : undefined;
  return { framing: { type: 'newline' }, rule: { v: 1, parse: { type: 'nginx' }, ...(time && { time }) } };
}

/** As a regexp parser whose time is written as access logs have it. */
function compileExpression(
  table: ReturnType<typeof accessTable>,
  section: ConfigSection,
  context: Context,
): ParsedBy {
  const { settings } = readSection(
    section,
    { ...table, params: { ...table.params, ...expressionParams }, notApplicable: parserNotApplicable },
    context,
  );
  const { expression, time_format: format = '%d/%b/%Y:%H:%M:%S %z' } = settings;
  if (expression === undefined)
    return { framing: { type: 'newline' }, rule: { v: 1, parse: { type: 'none' } } };
  const js = translated(section, 'expression', expression, 'line', context);
  const rule = fieldsRule(section, 'expression', js, { ...settings, time_format: format }, context);
  return { framing: { type: 'newline' }, rule };
}

function accessPlugin(name: string, doc: string): ParserPlugin {
  const table = accessTable(name, doc);
  return { table, compile: (section, context) => compileAccess(table, section, context) };
}

const apacheDoc = "Apache's `common` and `combined` access log. Fields have ECS names.";

export const parseNginx = accessPlugin(
  'nginx',
  "nginx' combined access log, also with a forwarded-for address behind it. Fields have ECS names.",
);
export const parseApache = accessPlugin('apache', apacheDoc);
export const parseApache2 = accessPlugin('apache2', apacheDoc);
