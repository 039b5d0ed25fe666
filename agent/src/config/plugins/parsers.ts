import { parseJson } from './parse-json.ts';
import { parseMultiline } from './parse-multiline.ts';
import { parseNginx } from './parse-nginx.ts';
import { parseNone } from './parse-none.ts';
import { parseRegexp } from './parse-regexp.ts';
import type { ParserPlugin } from './plugin.ts';
import type { Registry } from './registry.ts';

/** `<parse> @type`. */
export const parsers: Registry<ParserPlugin> = {
  section: '<parse>',
  known: new Map([
    ['none', parseNone],
    ['json', parseJson],
    ['regexp', parseRegexp],
    ['nginx', parseNginx],
    ['multiline', parseMultiline],
  ]),
  later: [
    'apache',
    'apache2',
    'apache_error',
    'cri',
    'csv',
    'docker',
    'grok',
    'logfmt',
    'ltsv',
    'msgpack',
    'multi_format',
    'multiline_grok',
    'syslog',
    'tsv',
  ],
};
