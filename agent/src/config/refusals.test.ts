import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  loadText,
  matchText as match,
  outputText as output,
  refusal,
  sourceText as source,
} from './testing.ts';

const f = '/etc/agent.conf';
const refusals: [text: string, message: string][] = [
  [
    source('refresh_intervall 5'),
    `${f}:5: refresh_intervall: unknown parameter of <source> @type tail, did you mean "refresh_interval"?`,
  ],
  [source('refresh_interval soon'), `${f}:5: refresh_interval: "soon" is not a time`],
  [source('frobnicate 1'), `${f}:5: frobnicate: unknown parameter of <source> @type tail`],
  [source('max_line_size 0'), `${f}:5: max_line_size: 0 is out of range, 1 to 1t is allowed`],
  [
    source('<groop>\n</groop>'),
    `${f}:5: <groop>: unknown section of <source> @type tail, did you mean "group"?`,
  ],
  [source('<group>\n</group>'), `${f}:5: <rule>: required in <group>`],
  [source('<parse>\n@type none\n</parse>'), `${f}:8: <parse>: given twice, first at ${f}:5`],
  [source('path logs/a.log'), `${f}:5: path: "logs/a.log" is not an absolute path`],
  [source('exclude_path ["x"]'), `${f}:5: exclude_path: "x" is not an absolute path`],
  [source('tag a b'), `${f}:5: tag: "a b" is not a tag (no spaces, 256 characters at most)`],
  [source('tag a.*.*'), `${f}:5: tag: more than one * stands in it`],
  [source('@label @X'), `${f}:5: @label: there is no <label @X>`],
  [source('from_encoding klingon'), `${f}:5: from_encoding: "klingon" is not a known encoding`],
  [source('', '@type jsn'), `${f}:7: @type: unknown type "jsn" of <parse>, did you mean "json"?`],
  [
    source('', '@type msgpack'),
    `${f}:7: @type: the agent has no <parse> of type "msgpack": files hold lines; @type forward and @type http take MessagePack`,
  ],
  [source('', ''), `${f}:6: @type: required in <parse>`],
  [
    source('', '@type json\ntime_typ float'),
    `${f}:8: time_typ: unknown parameter of <parse> @type json, did you mean "time_type"?`,
  ],
  [
    source('', '@type json\ntime_type flot'),
    `${f}:8: time_type: "flot" is not one of string, float, unixtime, mixed, did you mean "float"?`,
  ],
  [source('', '@type json\ntime_format %Q'), `${f}:8: time_format: time format: "%Q" is not a directive`],
  [
    source('', '@type json\nutc true\nlocaltime true\ntime_type string'),
    `${f}:8: utc: contradicts localtime, give one of them`,
  ],
  [source('', '@type json\ntypes a:int'), `${f}:8: types: "int" of a is not supported`],
  [source('', '@type json\nnull_value_pattern (?=a)'), `${f}:8: null_value_pattern: (?= is a look-ahead`],
  [source('', '@type json\ntime_type mixed'), `${f}:8: time_type: mixed needs time_format_fallbacks`],
  [
    source('', '@type json\ntime_format_fallbacks %Q'),
    `${f}:8: time_format_fallbacks: time format: "%Q" is not a directive`,
  ],
  [source('', '@type csv'), `${f}:6: keys: required in <parse> @type csv`],
  [source('', '@type csv\nkeys []'), `${f}:8: keys: at least one name is expected`],
  [source('', '@type multi_format'), `${f}:6: <pattern>: required in <parse> @type multi_format`],
  [
    source('', '@type multi_format\n<pattern>\nformat cri\n</pattern>'),
    `${f}:9: @type: only parsers of single lines can be inside of another`,
  ],
  [
    source('', '@type multi_format\n<pattern>\nformat regexp\nexpression /(?<a>x)(?!y)/\n</pattern>'),
    `${f}:10: expression: (?! is a negative look-ahead`,
  ],
  [
    source('', '@type cri\n<parse>\n@type multiline\nformat_firstline /x/\n</parse>'),
    `${f}:9: @type: only parsers of single lines can be inside of another`,
  ],
  [source('', '@type regexp'), `${f}:6: expression: required in <parse> @type regexp`],
  [
    source('', '@type regexp\nexpression /(?<a>.) #(?<b>.)/'),
    `${f}:8: expression: "/(?<a>.)" has no closing /`,
  ],
  [
    source('', '@type regexp\nexpression /(.*)/'),
    `${f}:8: expression: no group has a name, so nothing would become a field`,
  ],
  [source('', '@type regexp\nexpression /(?<a>.)(?!b)/'), `${f}:8: expression: (?! is a negative look-ahead`],
  [
    source('', '@type multiline'),
    `${f}:6: <parse> @type multiline: nothing says where a record begins or ends`,
  ],
  [
    source('', '@type multiline\nformat_firstline /x/\ncontinuation indented'),
    `${f}:9: continuation: contradicts format_firstline, give one of them`,
  ],
  [
    source('', '@type multiline\ncontinuation java'),
    `${f}:8: continuation: "java" is not one of indented, stacktrace`,
  ],
  [
    source('', '@type multiline\nformat_firstline /x/\nformat2 /(?<a>b)/'),
    `${f}:9: format2: format1 is missing before it`,
  ],
  [
    source('', '@type multiline\nformat_firstline /x/\nformat1 (?<a>b)'),
    `${f}:9: format1: "(?<a>b)" is not an expression between slashes without flags`,
  ],
  [
    source('', '@type multiline\nformat_firstline /x/\nformat21 /x/'),
    `${f}:9: format21: unknown parameter of <parse> @type multiline, did you mean "format1"?`,
  ],
  [
    output('stream_nam x'),
    `${f}:13: stream_nam: unknown parameter of <match> @type kinesis_streams, did you mean "stream_name"?`,
  ],
  [
    output('stream_name app-$\u007btag}'),
    `${f}:13: stream_name: "app-\${tag}" is not the name of a stream (one output, one stream: where it depends on the tag, write a <match> for each)`,
  ],
  [output('stream Logs'), `${f}:13: stream: "Logs" is not a name of a-z, 0-9 and _`],
  [output('linger 5s'), `${f}:13: linger: 5s is out of range, 0s to 1s is allowed`],
  [output('outbox_size 1m'), `${f}:13: outbox_size: 1m is out of range, 2m to 1t is allowed`],
  [
    output('batch_request_max_size 20m'),
    `${f}:13: batch_request_max_size: 20m is out of range, 1048832 to 10m is allowed`,
  ],
  [
    output('endpoint localhost'),
    `${f}:13: endpoint: "localhost" is not a URL such as https://kinesis.eu-west-1.amazonaws.com`,
  ],
  [output('aws_key_id x'), `${f}:13: aws_key_id: aws_sec_key is missing beside it`],
  [output('aws_sec_key x'), `${f}:13: aws_sec_key: aws_key_id is missing beside it`],
  [output('http_proxy p:1'), `${f}:13: http_proxy: "…" is not a URL such as http://proxy.example.org:3128`],
  [
    output('<assume_role_credentials>\n</assume_role_credentials>'),
    `${f}:13: role_arn: required in <assume_role_credentials>`,
  ],
  [
    output('<buffer>\nflush_intervall 1\n</buffer>'),
    `${f}:14: flush_intervall: unknown parameter of <buffer>, did you mean "flush_interval"?`,
  ],
  [
    output('buffer_chunk_limit 1m\n<buffer>\n</buffer>'),
    `${f}:13: buffer_chunk_limit: belongs into <buffer> (line 14) as chunk_limit_size`,
  ],
  [
    output('<buffer>\nretry_wait 5s\nretry_max_interval 1s\n</buffer>'),
    `${f}:15: retry_max_interval: is shorter than retry_wait`,
  ],
  [
    output('').replace('kinesis_streams', 'kinesis_firehos'),
    `${f}:10: @type: unknown type "kinesis_firehos" of <match>, did you mean "kinesis_firehose"?`,
  ],
  [
    output('').replace('region r\n', ''),
    `${f}:9: region: required in <match> @type kinesis_streams (or in AWS_REGION)`,
  ],
  [output('').replace('<match t>', '<match>'), `${f}:9: <match>: a tag pattern is expected behind "match"`],
  [output('').replace('<match t>', '<match u>'), `${f}:4: tag: no <match> takes "t"`],
  [
    `${source('')}\n<filter app.**>\n@type grepp\n</filter>`,
    `${f}:16: @type: unknown type "grepp" of <filter>, did you mean "grep"?`,
  ],
  [
    `${source('')}\n<label X>\n</label>`,
    `${f}:15: <label>: a name is expected behind "label", as in <label @APP>`,
  ],
  [
    `${source('')}\n<worker 0>\n<sauce>\n</sauce>\n</worker>`,
    `${f}:16: <sauce>: unknown section, did you mean "source"?`,
  ],
  [`${source('')}\n<sauce>\n</sauce>`, `${f}:15: <sauce>: unknown section, did you mean "source"?`],
  [`${source('')}\n<system x>\n</system>`, `${f}:15: <system x>: <system> takes no argument`],
  [
    `${source('')}\n<system>\n</system>\n<system>\n</system>`,
    `${f}:17: <system>: given twice, first at ${f}:15`,
  ],
  [
    `${source('')}\n<system>\nlog_level loud\n</system>`,
    `${f}:16: log_level: "loud" is not one of trace, debug, info, warn, error, fatal`,
  ],
  [`${source('')}\n<system>\nstate_dir var\n</system>`, `${f}:16: state_dir: "var" is not an absolute path`],
  [`${source('')}\nstray 1`, `${f}:15: stray: stands outside of any section`],
  [
    source('@id x').replace('<match **>', '<match **>\n@id x'),
    `${f}:10: @id: "x" is given twice, first at ${f}:1`,
  ],
  [match, `${f}:1: there is no <source>`],
  [source('').replace(match, ''), `${f}:1: there is no <match>`],
];

for (const [text, message] of refusals)
  test(`refused: ${message.replace(/^\S+ /, '')}`, () =>
    assert.equal(
      refusal(() => loadText(text)),
      message,
    ));

test('all mistakes of a configuration are named at once', () => {
  assert.equal(
    refusal(() => loadText(source('a 1\nb 2\nrotate_wait x'))),
    [
      `${f}:7: rotate_wait: "x" is not a time`,
      `${f}:5: a: unknown parameter of <source> @type tail`,
      `${f}:6: b: unknown parameter of <source> @type tail`,
    ].join('\n'),
  );
});
