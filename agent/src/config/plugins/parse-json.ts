import { readSection } from '../read-section.ts';
import { string } from '../values.ts';
import {
  parserLater,
  parserNotApplicable,
  ruleOf,
  timeParams,
  timeRule,
  typesParam,
  typesRule,
} from './parse-common.ts';
import { type ParserPlugin, type Table, withDefault } from './plugin.ts';

const table = {
  title: '<parse> @type json',
  doc: 'One JSON object a line; its members become fields. `time_type` is `float` unless `time_format` is given.',
  params: {
    time_key: withDefault(string, 'time', "Field that holds the event's time."),
    ...timeParams,
    ...typesParam,
  },
  notApplicable: {
    ...parserNotApplicable,
    json_parser: 'there is one JSON parser',
    stream_buffer_size: 'records are cut at line ends',
  },
  later: parserLater,
} satisfies Table;

export const parseJson: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    return {
      framing: { type: 'newline' },
      rule: ruleOf(
        { type: 'json' },
        timeRule(section, settings, settings.time_key, 'float', context),
        typesRule(section, settings.types),
      ),
    };
  },
};
