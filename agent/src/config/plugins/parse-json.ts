import { readSection } from '../read-section.ts';
import { string } from '../values.ts';
import {
  detectParams,
  detectRule,
  parserNotApplicable,
  timeIsOpen,
  timeParams,
  timeRule,
  valueParams,
  valuesRule,
} from './parse-common.ts';
import { type ParserPlugin, type Table, withDefault } from './plugin.ts';

const table = {
  title: '<parse> @type json',
  doc:
    'One JSON object a line; its members become fields. Without `time_type` and `time_format` the time may be a number ' +
    '(seconds since 1970, or milli-, micro- or nanoseconds) or ISO 8601 text (fluentd: numbers alone).',
  params: {
    time_key: withDefault(string, 'time', "Field that holds the event's time."),
    ...timeParams,
    ...valueParams,
    ...detectParams,
  },
  notApplicable: {
    ...parserNotApplicable,
    json_parser: 'there is one JSON parser',
    stream_buffer_size: 'records are cut at line ends',
  },
} satisfies Table;

export const parseJson: ParserPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    return {
      framing: { type: 'newline' },
      rule: {
        v: 1,
        parse: { type: 'json' },
        time: timeRule(section, settings, settings.time_key, 'auto', context),
        ...valuesRule(section, settings, context),
        ...detectRule(section, settings, timeIsOpen(given), context),
      },
    };
  },
};
