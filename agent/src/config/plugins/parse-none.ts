import { readSection } from '../read-section.ts';
import { parserLater, parserNotApplicable, ruleOf, timeParams, typesParam } from './parse-common.ts';
import type { ParserPlugin, Table } from './plugin.ts';

const why = 'a line that is not parsed has no fields';

const table = {
  title: '<parse> @type none',
  doc: 'The line is the message, and nothing else.',
  params: {},
  notApplicable: {
    ...parserNotApplicable,
    message_key: 'the text is `message` in every document',
    time_key: why,
    ...Object.fromEntries(
      [...Object.keys(timeParams), ...Object.keys(typesParam)].map((name) => [name, why]),
    ),
  },
  later: parserLater,
} satisfies Table;

export const parseNone: ParserPlugin = {
  table,
  compile(section, context) {
    readSection(section, table, context);
    return { framing: { type: 'newline' }, rule: ruleOf({ type: 'none' }) };
  },
};
