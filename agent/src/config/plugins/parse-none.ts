import { readSection } from '../read-section.ts';
import {
  detectParams,
  detectRule,
  parserNotApplicable,
  timeParams,
  valueParams,
  zoneParams,
} from './parse-common.ts';
import type { ParserPlugin, Table } from './plugin.ts';

const why = 'a line that is not parsed has no fields';
const withoutFields = [...Object.keys(timeParams), ...Object.keys(valueParams)].filter(
  (name) => !(name in zoneParams),
);

const table = {
  title: '<parse> @type none',
  doc: 'The line is the message, and nothing else; its time and level are detected.',
  params: { ...detectParams, ...zoneParams },
  notApplicable: {
    ...parserNotApplicable,
    message_key: 'the text is `message` in every document',
    time_key: why,
    ...Object.fromEntries(withoutFields.map((name) => [name, why])),
  },
} satisfies Table;

export const parseNone: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    return {
      framing: { type: 'newline' },
      rule: { v: 1, parse: { type: 'none' }, ...detectRule(section, settings, true, context) },
    };
  },
};
