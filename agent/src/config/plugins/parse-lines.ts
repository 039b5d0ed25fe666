import { readSection } from '../read-section.ts';
import { bool, oneOf, string } from '../values.ts';
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
import { optional, type ParserPlugin, type Table, withDefault } from './plugin.ts';

const { detect_level } = detectParams;
const { time_type: _, ...logTimeParams } = timeParams;
const ownTime = 'the time has its own place in the line';

const apacheErrorTable = {
  title: '<parse> @type apache_error',
  doc: "Apache's error log. Fields: module, level, pid, tid, client, message.",
  params: { ...logTimeParams, ...valueParams },
  notApplicable: {
    ...parserNotApplicable,
    time_key: ownTime,
    time_type: ownTime,
    detect_time: 'every line has its time',
    detect_level: 'every line has its level',
    expression: 'the parser knows the format; for another one use @type regexp',
  },
} satisfies Table;

export const parseApacheError: ParserPlugin = {
  table: apacheErrorTable,
  compile(section, context) {
    const { settings } = readSection(section, apacheErrorTable, context);
    const time = timeRule(section, { ...settings, time_type: undefined }, 'time', 'string', context);
    return {
      framing: { type: 'newline' },
      rule: { v: 1, parse: { type: 'apache_error' }, time, ...valuesRule(section, settings, context) },
    };
  },
};

const syslogTable = {
  title: '<parse> @type syslog',
  doc:
    'Lines of syslog daemons. Fields: host, ident, pid, msgid, extradata, message, pri. A priority is read where it ' +
    'stands, and says the level.',
  params: {
    message_format: withDefault(
      oneOf('rfc3164', 'rfc5424', 'auto'),
      'rfc3164',
      '`auto`: RFC 5424 where a line begins with a priority and a version.',
    ),
    rfc5424_time_format: optional(
      string,
      'RFC 3339',
      'strptime format of times of RFC 5424; times of the other format are read as well.',
    ),
    support_colonless_ident: withDefault(
      bool,
      true,
      "The first word is the program's name, whether a colon follows it or not.",
    ),
    ...logTimeParams,
    ...valueParams,
    detect_level,
  },
  notApplicable: {
    ...parserNotApplicable,
    with_priority: 'a priority is read where it stands',
    parser_type: 'there is one syslog parser',
    parser_engine: 'there is one syslog parser',
    time_key: ownTime,
    time_type: ownTime,
    detect_time: 'every line has its time',
  },
} satisfies Table;

export const parseSyslog: ParserPlugin = {
  table: syslogTable,
  compile(section, context) {
    const { settings } = readSection(section, syslogTable, context);
    const { message_format: format, rfc5424_time_format: modern, time_format: plain } = settings;
    const only = format === 'rfc5424' ? (plain ?? modern) : plain;
    // Of two formats each is tried: a line of the one never fits the other.
    const both = format === 'auto' && modern !== undefined ? [modern, '%iso8601'] : undefined;
    const timing = {
      ...settings,
      time_type: undefined,
      time_format: both ? (plain ?? '%b %d %H:%M:%S') : only,
      time_format_fallbacks: settings.time_format_fallbacks ?? both,
    };
    const time = timeRule(section, timing, 'time', 'string', context);
    const words = plain?.trim().split(/\s+/).length;
    return {
      framing: { type: 'newline' },
      rule: {
        v: 1,
        parse: {
          type: 'syslog',
          format,
          ...(!settings.support_colonless_ident && { colonless: false }),
          ...(words !== undefined && format !== 'rfc5424' && { words }),
        },
        time,
        ...valuesRule(section, settings, context),
        ...(settings.detect_level && { detect: { level: true } }),
      },
    };
  },
};

const logfmtTable = {
  title: '<parse> @type logfmt',
  doc: 'Pairs as in `level=info msg="it works" took=5ms`. A name alone is true. Values are text: see `types`.',
  params: {
    time_key: withDefault(string, 'time', "Name of the pair that holds the event's time."),
    ...timeParams,
    ...valueParams,
    ...detectParams,
  },
  notApplicable: parserNotApplicable,
} satisfies Table;

export const parseLogfmt: ParserPlugin = {
  table: logfmtTable,
  compile(section, context) {
    const { settings, given } = readSection(section, logfmtTable, context);
    return {
      framing: { type: 'newline' },
      rule: {
        v: 1,
        parse: { type: 'logfmt' },
        time: timeRule(section, settings, settings.time_key, 'string', context),
        ...valuesRule(section, settings, context),
        ...detectRule(section, settings, timeIsOpen(given), context),
      },
    };
  },
};
