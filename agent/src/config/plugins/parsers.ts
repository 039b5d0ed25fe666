import { foreignParsers } from './foreign-types.ts';
import { parseCsv, parseLtsv, parseTsv } from './parse-delimited.ts';
import { parseGrok, parseMultilineGrok } from './parse-grok.ts';
import { parseJson } from './parse-json.ts';
import { parseApacheError, parseLogfmt, parseSyslog } from './parse-lines.ts';
import { parseMultiline } from './parse-multiline.ts';
import { nestedParsers } from './parse-nested.ts';
import { parseApache, parseApache2, parseNginx } from './parse-nginx.ts';
import { parseNone } from './parse-none.ts';
import { parseRegexp } from './parse-regexp.ts';
import type { ParserPlugin } from './plugin.ts';
import { pluginOf, type Registry } from './registry.ts';

/** `<parse> @type`. */
export const parsers: Registry<ParserPlugin> = {
  section: '<parse>',
  known: new Map<string, ParserPlugin>([
    ['none', parseNone],
    ['json', parseJson],
    ['regexp', parseRegexp],
    ['multiline', parseMultiline],
    ['nginx', parseNginx],
    ['apache', parseApache],
    ['apache2', parseApache2],
    ['apache_error', parseApacheError],
    ['syslog', parseSyslog],
    ['ltsv', parseLtsv],
    ['csv', parseCsv],
    ['tsv', parseTsv],
    ['logfmt', parseLogfmt],
    ['grok', parseGrok],
    ['multiline_grok', parseMultilineGrok],
    ...nestedParsers((section, context) => pluginOf(parsers, section).compile(section, context)),
  ]),
  elsewhere: foreignParsers,
};
