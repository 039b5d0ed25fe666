import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRule } from '@millrace/core/parse/registry.ts';
import { parseRule } from '@millrace/core/rule/rule.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import { parsers } from './plugins/parsers.ts';
import { loadText, sourceText } from './testing.ts';

const capturedMs = Date.UTC(2026, 10, 22, 19, 17);
const zone = 'Asia/Seoul';
const both = { time: { zone }, level: true };
const level = { level: true };
const time = { key: 'time', type: 'string', zone };

function source(parse: string) {
  const found = loadText(sourceText('', parse)).sources[0];
  assert(found && 'framing' in found);
  return found;
}

const rules: [parse: string, rule: object][] = [
  ['none', { parse: { type: 'none' }, detect: both }],
  ['none\nutc true\ndetect_level false', { parse: { type: 'none' }, detect: { time: { zone: 'UTC' } } }],
  ['none\ndetect_time false\ndetect_level false', { parse: { type: 'none' } }],
  ['multiline\nformat_firstline /^x/', { parse: { type: 'none' }, detect: both }],
  [
    'json',
    { parse: { type: 'json' }, time: { key: 'time', type: 'auto', zone: 'Asia/Seoul' }, detect: both },
  ],
  [
    'json\ntime_key t\nutc true',
    { parse: { type: 'json' }, time: { key: 't', type: 'auto', zone: 'UTC' }, detect: level },
  ],
  ['json\ntime_type float', { parse: { type: 'json' }, time: { key: 'time', type: 'float' }, detect: level }],
  [
    'json\ntime_type mixed\ntime_format unixtime\ntime_format_fallbacks ["%iso8601", "%d.%m.%Y"]',
    {
      parse: { type: 'json' },
      time: { ...time, formats: ['unixtime', '%iso8601', '%d.%m.%Y'] },
      detect: level,
    },
  ],
  [
    'json\ntypes a:array,b:array:;,c:time,d:time:%d/%b/%Y %H:%M,e:time:+09:00:unixtime,f:time:Asia/Seoul\nnull_value_pattern /^-$/i\nnull_empty_string true',
    {
      parse: { type: 'json' },
      time: { key: 'time', type: 'auto', zone: 'Asia/Seoul' },
      types: {
        a: { type: 'array' },
        b: { type: 'array', delimiter: ';' },
        c: { type: 'time' },
        d: { type: 'time', format: '%d/%b/%Y %H:%M' },
        e: { type: 'time', zone: '+09:00', kind: 'unixtime' },
        f: { type: 'time', zone: 'Asia/Seoul' },
      },
      nulls: { pattern: '^-$', flags: 'is', empty: true },
      detect: both,
    },
  ],
  [
    'json\ntime_key ts\ntime_type unixtime\nkeep_time_key true\ntypes a:integer,b:float',
    {
      parse: { type: 'json' },
      time: { key: 'ts', type: 'unixtime', keep: true },
      types: { a: 'integer', b: 'float' },
      detect: level,
    },
  ],
  [
    'json\ntime_type string\nlocaltime false',
    { parse: { type: 'json' }, time: { ...time, zone: 'UTC' }, detect: level },
  ],
  [
    'json\ntime_type string\ntimezone +0530',
    { parse: { type: 'json' }, time: { ...time, zone: '+05:30' }, detect: level },
  ],
  [
    'json\ntime_type string\ntimezone Europe/Berlin',
    { parse: { type: 'json' }, time: { ...time, zone: 'Europe/Berlin' }, detect: level },
  ],
  ['nginx', { parse: { type: 'nginx' } }],
  ['nginx\nkeep_time_key true', { parse: { type: 'nginx' }, time: { ...time, keep: true } }],
  [
    'regexp\nexpression ^(?<a>x)\nignorecase true\nmultiline true',
    { parse: { type: 'regexp', expression: '^(?<a>x)', flags: 'is' }, detect: both },
  ],
  [
    'regexp\nexpression /(?<t>.*)/\ntime_key t\ntime_format %s',
    {
      parse: { type: 'regexp', expression: '(?<t>.*)', flags: 's' },
      time: { ...time, key: 't', format: '%s' },
      detect: level,
    },
  ],
  ['apache', { parse: { type: 'nginx' } }],
  ['apache2', { parse: { type: 'nginx' } }],
  [
    'nginx\nexpression /^(?<time>[^ ]*) (?<x>.*)/\ntypes x:integer',
    {
      parse: { type: 'regexp', expression: '^(?<time>[^ ]*) (?<x>.*)', flags: 's' },
      time: { ...time, format: '%d/%b/%Y:%H:%M:%S %z' },
      types: { x: 'integer' },
      detect: level,
    },
  ],
  ['apache_error', { parse: { type: 'apache_error' }, time }],
  ['syslog', { parse: { type: 'syslog', format: 'rfc3164' }, time, detect: level }],
  [
    'syslog\nwith_priority true\ntime_format %Y-%m-%d %H:%M:%S\nsupport_colonless_ident false\nparser_type string',
    {
      parse: { type: 'syslog', format: 'rfc3164', colonless: false, words: 2 },
      time: { ...time, format: '%Y-%m-%d %H:%M:%S' },
      detect: level,
    },
  ],
  [
    'syslog\nmessage_format auto\nrfc5424_time_format %Y-%m-%dT%H:%M:%S%z',
    {
      parse: { type: 'syslog', format: 'auto' },
      time: { ...time, formats: ['%b %d %H:%M:%S', '%Y-%m-%dT%H:%M:%S%z', '%iso8601'] },
      detect: level,
    },
  ],
  ['ltsv', { parse: { type: 'ltsv' }, time, detect: both }],
  [
    'ltsv\ndelimiter_pattern /\\s+/\nlabel_delimiter =',
    {
      parse: { type: 'ltsv', label_delimiter: '=', pattern: '[\\t-\\r ]+', flags: 's' },
      time,
      detect: both,
    },
  ],
  ['csv\nkeys a,b\nparser_engine fast', { parse: { type: 'csv', keys: ['a', 'b'] }, detect: both }],
  [
    'tsv\nkeys a,b\ntime_key b',
    {
      parse: { type: 'csv', keys: ['a', 'b'], delimiter: '\t', quote: false },
      time: { ...time, key: 'b' },
      detect: level,
    },
  ],
  ['logfmt', { parse: { type: 'logfmt' }, time, detect: both }],
  ['logfmt\ntime_key time', { parse: { type: 'logfmt' }, time, detect: level }],
  ['cri', { parse: { type: 'cri' }, detect: both }],
  [
    'docker\nmerge_cri_fields false\n<parse>\n@type json\ntime_key t\n</parse>',
    {
      parse: {
        type: 'docker',
        inner: { parse: { type: 'json' }, time: { key: 't', type: 'auto', zone: 'Asia/Seoul' } },
        stream: false,
      },
      detect: both,
    },
  ],
  [
    'multi_format\n<pattern>\nformat json\n</pattern>\n<pattern>\nformat grok\n<grok>\npattern %{WORD:w}\n</grok>\n<grok>\npattern %{INT:i}\n</grok>\n</pattern>\n<pattern>\n@type none\n</pattern>',
    {
      parse: {
        type: 'multi',
        patterns: [
          { parse: { type: 'json' }, time: { key: 'time', type: 'auto', zone: 'Asia/Seoul' } },
          { parse: { type: 'regexp', expression: '(?<w>\\b\\w+\\b)', flags: 's' } },
          { parse: { type: 'regexp', expression: '(?<i>[+\\-]?\\d+)', flags: 's' } },
          { parse: { type: 'none' } },
        ],
      },
      detect: both,
    },
  ],
];

for (const [parse, want] of rules)
  test(`a rule of @type ${parse.replaceAll('\n', ' ')}`, () => {
    const { rule } = source(`@type ${parse}`);
    assert.deepEqual(rule, { v: 1, ...want });
    assert.deepEqual(parseRule(ruleText(rule)), rule);
    compileRule(rule);
  });

test('containers are framed by their own rules, all others by lines', () => {
  assert.deepEqual(source('@type cri').framing.type, 'cri');
  assert.deepEqual(source('@type docker').framing.type, 'docker');
  assert.deepEqual(source('@type syslog').framing.type, 'newline');
});

test('every parser of fluentd is there', () => {
  assert.ok(parsers.known.size > 0);
});

test("syslog's formats are read with the times that the parameters name", () => {
  const { rule } = source('@type syslog\nmessage_format auto\nrfc5424_time_format %Y-%m-%dT%H:%M:%S%z');
  const { parse } = compileRule(rule);
  for (const [line, seconds] of [
    ['Nov 22 19:16:48 web-1 app: x', Date.UTC(2026, 10, 22, 10, 16, 48) / 1000],
    ['<34>1 2026-11-22T19:16:48+00:00 h a - - - x', Date.UTC(2026, 10, 22, 19, 16, 48) / 1000],
    ['<34>1 2026-11-22T19:16:48.5Z h a - - - x', Date.UTC(2026, 10, 22, 19, 16, 48) / 1000],
  ] as const)
    assert.equal(parse(line, capturedMs).time?.seconds, seconds, line);
});
