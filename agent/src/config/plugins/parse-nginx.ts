import { readSection } from '../read-section.ts';
import { string } from '../values.ts';
import { parserLater, parserNotApplicable, ruleOf, timeParams, timeRule } from './parse-common.ts';
import { type ParserPlugin, type Table, withDefault } from './plugin.ts';

const table = {
  title: '<parse> @type nginx',
  doc: "nginx' combined access log, also with a forwarded-for address behind it. Fields have ECS names.",
  params: {
    time_key: withDefault(
      string,
      'time',
      'Name of the field with the time as text, where keep_time_key is true.',
    ),
    ...timeParams,
  },
  notApplicable: { ...parserNotApplicable, types: 'the fields of an access log have fixed types' },
  later: {
    ...parserLater,
    expression: { why: 'the parser knows the format; for another one use @type regexp' },
  },
} satisfies Table;

export const parseNginx: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    // Without any of these the parser knows how the time is written.
    const asked = Object.keys(timeParams).some((name) => given.has(name));
    const time = asked ? timeRule(section, settings, settings.time_key, 'string', context) : undefined;
    return { framing: { type: 'newline' }, rule: ruleOf({ type: 'nginx' }, time) };
  },
};
