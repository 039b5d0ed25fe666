import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createRenderer } from '@millrace/core/document/render.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { StreamClient, StreamRecord } from '../ship/stream-client.ts';
import { createConfigShop } from '../testing/run-config.ts';

/** The use cases of fluentd's documentation: a configuration, files, and what becomes of them. */
interface Example {
  name: string;
  /** `DIR` is the folder of the files. Without a `<match>` one for all tags is added. */
  config: string;
  files: Record<string, string>;
  /** One for each document, by tag, path and offset; the members named are compared, `a.b` is a member of a member. */
  expected: Record<string, unknown>[];
}

const match = '<match **>\n@type kinesis_streams\nstream_name s\nregion us-east-1\n</match>';

function tail(parse: string, lines = 'path DIR/a.log\ntag app.web'): string {
  return `<source>\n@type tail\nread_from_head true\npos_file DIR/fluentd.pos\n${lines}\n<parse>\n${parse}\n</parse>\n</source>\n`;
}

const access = (path: string) =>
  `192.168.0.1 - alice [28/Feb/2026:12:00:00 +0900] "GET ${path} HTTP/1.1" 200 777 "-" "Opera/12.0"\n`;
const accessFields = {
  '@timestamp': '2026-02-28T03:00:00Z',
  'source.ip': '192.168.0.1',
  'user.name': 'alice',
  'http.request.method': 'GET',
  'url.original': '/',
  'http.response.status_code': 200,
  'http.response.body.bytes': 777,
  'user_agent.original': 'Opera/12.0',
};
const today = new Date().toISOString().slice(0, 10).replaceAll('-', '/');

const railsLog = `Started GET "/users/123/" for 127.0.0.1 at 2026-06-14 12:00:11 +0900
Processing by UsersController#show as HTML
  Parameters: {"user_id"=>"123"}
  Rendered users/show.html.erb within layouts/application (0.3ms)
Completed 200 OK in 4ms (Views: 3.2ms | ActiveRecord: 0.0ms)
`;
const javaLog = `2026-3-03 14:27:33 [main] INFO  Main - Start
2026-3-03 14:27:33 [main] ERROR Main - Exception
javax.management.RuntimeErrorException: null
    at Main.main(Main.java:16) ~[bin/:na]
2026-3-03 14:27:33 [main] INFO  Main - End
`;

const tailExamples: Example[] = [
  {
    name: 'tail: an access log of Apache',
    config: tail('@type apache2', 'path DIR/httpd-access.log\ntag apache.access'),
    files: { 'httpd-access.log': access('/') },
    expected: [{ tag: 'apache.access', ...accessFields }],
  },
  {
    name: 'tail: several paths, one with a *, and a tag of the path',
    config: tail('@type none', 'path DIR/x.log,DIR/logs/*/access.log\ntag web.*'),
    files: {
      'x.log': 'x\n',
      'logs/a/access.log': 'a\n',
      'logs/b/access.log': 'b\n',
      'logs/b/error.log': 'e\n',
    },
    expected: [
      { message: 'a', tag: 'web.DIR.logs.a.access.log' },
      { message: 'b', tag: 'web.DIR.logs.b.access.log' },
      { message: 'x', tag: 'web.DIR.x.log' },
    ],
  },
  {
    name: 'tail: excluded paths',
    config: tail(
      '@type none',
      'path DIR/*\ntag t\nexclude_path ["DIR/*.gz", "DIR/*.zip", "DIR/state", "DIR/*.pos"]',
    ),
    files: { 'a.log': 'a\n', 'b.zip': 'no\n' },
    expected: [{ message: 'a' }],
  },
  {
    name: 'tail: a path with the date of today',
    config: tail('@type none', 'path DIR/%Y/%m/%d/*.log\npath_timezone UTC\ntag t'),
    files: { [`${today}/a.log`]: 'a\n', '2001/01/01/a.log': 'old\n' },
    expected: [{ message: 'a' }],
  },
  {
    name: 'tail: limits by groups of files',
    config: tail(
      '@type none',
      'path DIR/*.log\ntag t\n<group>\npattern /(?<service>[a-z]+)-(?<env>[a-z]+)\\.log$/\nrate_period 1m\n<rule>\nmatch {"service": "/^shop$/", "env": "/^live/"}\nlimit 300\n</rule>\n<rule>\nmatch {"service": "/.*/"}\nlimit 100\n</rule>\n</group>',
    ),
    files: { 'shop-live.log': 's\n', 'cart-test.log': 'c\n' },
    expected: [{ message: 'c' }, { message: 's' }],
  },
  {
    name: 'tail: UTF-8 of a Shift_JIS file',
    config: tail('@type none', 'path DIR/a.log\ntag t\nfrom_encoding Shift_JIS\nencoding UTF-8'),
    files: { 'a.log': 'plain\n' },
    expected: [{ message: 'plain' }],
  },
  {
    name: 'tail: names of v0.12',
    config:
      '<source>\ntype tail\npath DIR/a.log\npos_file DIR/p\ntag t\nread_from_head\nformat /^(?<time>\\S+) (?<n>\\d+)$/\ntime_format %s\ntypes n:integer\n</source>\n',
    files: { 'a.log': '1767225600 7\n' },
    expected: [{ '@timestamp': '2026-01-01T00:00:00Z', 'fields.n': 7 }],
  },
];

const parserExamples: Example[] = [
  {
    name: 'regexp: named groups, a time and a type',
    config: tail(
      '@type regexp\nexpression /^\\[(?<logtime>[^\\]]*)\\] (?<name>[^ ]*) (?<title>[^ ]*) (?<id>\\d*)$/\ntime_key logtime\ntime_format %Y-%m-%d %H:%M:%S %z\ntypes id:integer',
    ),
    files: { 'a.log': '[2026-02-28 12:00:00 +0900] alice engineer 1\nother\n' },
    expected: [
      {
        '@timestamp': '2026-02-28T03:00:00Z',
        fields: { name: 'alice', title: 'engineer', id: 1 },
      },
      { message: 'other', 'error.type': 'parse' },
    ],
  },
  {
    name: 'multiline: the log of Rails',
    config: tail(
      [
        '@type multiline',
        'format_firstline /^Started/',
        'format1 /Started (?<method>[^ ]+) "(?<path>[^"]+)" for (?<host>[^ ]+) at (?<time>[^ ]+ [^ ]+ [^ ]+)\\n/',
        'format2 /Processing by (?<controller>[^\\u0023]+)\\u0023(?<controller_method>[^ ]+) as (?<format>[^ ]+?)\\n/',
        'format3 /(  Parameters: (?<parameters>[^ ]+)\\n)?/',
        'format4 /  Rendered (?<template>[^ ]+) within (?<layout>.+) \\([\\d\\.]+ms\\)\\n/',
        'format5 /Completed (?<code>[^ ]+) [^ ]+ in (?<runtime>[\\d\\.]+)ms \\(Views: (?<view_runtime>[\\d\\.]+)ms \\| ActiveRecord: (?<ar_runtime>[\\d\\.]+)ms\\)/',
      ].join('\n'),
    ),
    files: { 'a.log': railsLog + railsLog.replace('/users/123/', '/users/124/') },
    expected: ['/users/123/', '/users/124/'].map((path) => ({
      '@timestamp': '2026-06-14T03:00:11Z',
      fields: {
        method: 'GET',
        path,
        host: '127.0.0.1',
        controller: 'UsersController',
        controller_method: 'show',
        format: 'HTML',
        parameters: '{"user_id"=>"123"}',
        template: 'users/show.html.erb',
        layout: 'layouts/application',
        code: '200',
        runtime: '4',
        view_runtime: '3.2',
        ar_runtime: '0.0',
      },
    })),
  },
  {
    name: 'multiline: stack traces of Java',
    config: tail(
      '@type multiline\nformat_firstline /\\d{4}-\\d{1,2}-\\d{1,2}/\nformat1 /^(?<time>\\d{4}-\\d{1,2}-\\d{1,2} \\d{1,2}:\\d{1,2}:\\d{1,2}) \\[(?<thread>.*)\\] (?<level>[^\\s]+)(?<message>.*)/\ntime_format %Y-%m-%d %H:%M:%S',
    ),
    files: { 'a.log': javaLog },
    expected: [
      { '@timestamp': '2026-03-03T14:27:33Z', message: '  Main - Start', 'log.level': 'info' },
      {
        message:
          ' Main - Exception\njavax.management.RuntimeErrorException: null\n    at Main.main(Main.java:16) ~[bin/:na]',
        'log.level': 'error',
        'fields.thread': 'main',
      },
      { message: '  Main - End' },
    ],
  },
  {
    name: 'nginx: an access log',
    config: tail('@type nginx'),
    files: { 'a.log': access('/') },
    expected: [accessFields],
  },
  {
    name: 'apache_error: an error log',
    config: tail('@type apache_error'),
    files: {
      'a.log': '[Wed Oct 11 14:32:52 2026] [error] [client 127.0.0.1] denied by server configuration\n',
    },
    expected: [
      {
        '@timestamp': '2026-10-11T14:32:52Z',
        message: 'denied by server configuration',
        'log.level': 'error',
        'fields.client': '127.0.0.1',
      },
    ],
  },
  {
    name: 'syslog: RFC 3164 with a priority',
    config: tail('@type syslog\nwith_priority true\ntime_format %Y %b %d %H:%M:%S'),
    files: { 'a.log': '<6>2026 Feb 28 12:00:00 192.168.0.1 fluentd[11111]: [error] Syslog test\n' },
    expected: [
      {
        '@timestamp': '2026-02-28T12:00:00Z',
        message: '[error] Syslog test',
        'fields.ident': 'fluentd',
        'fields.pid': '11111',
      },
    ],
  },
  {
    name: 'syslog: RFC 5424, and either',
    config: tail('@type syslog\nmessage_format auto\nwith_priority true'),
    files: {
      'a.log':
        '<16>1 2026-02-28T12:00:00.003Z 192.168.0.1 fluentd 11111 ID24224 [exampleSDID@20224 iut="3"] Hi, from Fluentd!\n',
    },
    expected: [
      { '@timestamp': '2026-02-28T12:00:00.003Z', message: 'Hi, from Fluentd!', 'fields.msgid': 'ID24224' },
    ],
  },
  {
    name: 'json: seconds, ISO 8601 and no time',
    config: tail('@type json'),
    files: {
      'a.log':
        '{"time":1767225600.5,"host":"192.168.0.1","size":777}\n{"time":"2026-01-02T03:04:05.678Z","size":1}\n{"size":2}\n',
    },
    expected: [
      { '@timestamp': '2026-01-01T00:00:00.5Z', fields: { host: '192.168.0.1', size: 777 } },
      { '@timestamp': '2026-01-02T03:04:05.678Z', fields: { size: 1 } },
      { fields: { size: 2 } },
    ],
  },
  {
    name: 'json: a time_format, and a kept time of another name',
    config: tail(
      '@type json\ntime_key at\ntime_type string\ntime_format %d/%b/%Y:%H:%M:%S %z\nkeep_time_key true',
    ),
    files: { 'a.log': '{"at":"28/Feb/2026:12:00:00 +0900","size":777}\n' },
    expected: [
      { '@timestamp': '2026-02-28T03:00:00Z', fields: { at: '28/Feb/2026:12:00:00 +0900', size: 777 } },
    ],
  },
  {
    name: 'csv: columns and a time',
    config: tail(
      '@type csv\nkeys time,host,req_id,user\ntime_key time\ntime_format %Y/%m/%d %H:%M:%S\ntypes req_id:integer',
    ),
    files: { 'a.log': '2026/02/28 12:00:00,"192.168.0.1",111,-\n' },
    expected: [
      { '@timestamp': '2026-02-28T12:00:00Z', fields: { host: '192.168.0.1', req_id: 111, user: '-' } },
    ],
  },
  {
    name: 'ltsv and tsv',
    config:
      tail('@type ltsv', 'path DIR/a.log\ntag a') +
      tail(
        '@type tsv\nkeys time,host,req_id\ntime_key time\nnull_value_pattern /^-$/',
        'path DIR/b.log\ntag b',
      ),
    files: {
      'a.log': 'time:2026-02-28T12:00:00Z\thost:192.168.0.1\treq_id:111\n',
      'b.log': '2026-02-28 12:00:00\t192.168.0.1\t-\n',
    },
    expected: [
      { '@timestamp': '2026-02-28T12:00:00Z', fields: { host: '192.168.0.1', req_id: '111' } },
      { '@timestamp': '2026-02-28T12:00:00Z', 'fields.host': '192.168.0.1', 'fields.req_id': null },
    ],
  },
];

const pipelineExamples: Example[] = [
  {
    name: 'grep: what must match and what must not',
    config: `${tail('@type json')}<filter **>\n@type grep\n<regexp>\nkey message\npattern /cool/\n</regexp>\n<regexp>\nkey hostname\npattern /^web\\d+\\.example\\.com$/\n</regexp>\n<exclude>\nkey message\npattern /uncool/\n</exclude>\n</filter>\n`,
    files: {
      'a.log':
        '{"message":"It\'s cool outside today","hostname":"web001.example.com"}\n{"message":"That\'s not cool","hostname":"web1337.example.com"}\n{"message":"I am cool but you are uncool","hostname":"db001.example.com"}\n{"hostname":"web001.example.com"}\n',
    },
    expected: [{ message: "It's cool outside today" }, { message: "That's not cool" }],
  },
  {
    name: 'record_transformer: added, rewritten, of the tag, removed',
    config: `${tail('@type json', 'path DIR/a.log\ntag debug.my.app')}<filter debug.**>\n@type record_transformer\nremove_keys secret\n<record>\nhost_param "#{Socket.gethostname}"\ntag \${tag}\nlast \${tag_parts[-1]}\nrest \${tag_suffix[1]}\nsays \${record["name"]}!\n@version 1\n</record>\n</filter>\n`,
    files: { 'a.log': '{"name":"x","secret":"s"}\n' },
    expected: [
      {
        fields: {
          name: 'x',
          host_param: 'web-1',
          tag: 'debug.my.app',
          last: 'app',
          rest: 'my.app',
          says: 'x!',
          '@version': '1',
        },
      },
    ],
  },
  {
    name: 'parser: a field read as an access log beside the others',
    config: `${tail('@type json')}<filter **>\n@type parser\nkey_name log\nreserve_data true\n<parse>\n@type regexp\nexpression /^(?<host>[^ ]*) [^ ]* (?<user>[^ ]*)$/\n</parse>\n</filter>\n`,
    files: { 'a.log': '{"log":"192.168.0.1 - alice","n":1}\n' },
    expected: [{ 'fields.host': '192.168.0.1', 'fields.user': 'alice', 'fields.n': 1 }],
  },
  {
    name: 'labels keep the events of sources apart',
    config: `${tail('@type none', 'path DIR/a.log\ntag t\n@label @SYSTEM')}${tail('@type none', 'path DIR/b.log\ntag t')}<label @SYSTEM>\n<filter **>\n@type grep\n<regexp>\nkey message\npattern /^keep/\n</regexp>\n</filter>\n${match}\n</label>\n<match t>\n@type relabel\n@label @OTHER\n</match>\n<label @OTHER>\n<match **>\n@type null\n</match>\n</label>\n`,
    files: { 'a.log': 'keep\ndrop\n', 'b.log': 'keep nothing\n' },
    expected: [{ message: 'keep' }],
  },
  {
    name: 'copy: to two streams, one of them by a label that filters',
    config: `${tail('@type none')}<match **>\n@type copy\n<store>\n@type kinesis_streams\nstream_name s\nregion us-east-1\n</store>\n<store>\n@type relabel\n@label @ERRORS\n</store>\n<store>\n@type prometheus\n<metric>\nname n\n</metric>\n</store>\n</match>\n<label @ERRORS>\n<filter **>\n@type grep\n<regexp>\nkey message\npattern /error/\n</regexp>\n</filter>\n<match **>\n@type kinesis_streams\nstream_name errors\nstream errors\nregion us-east-1\n</match>\n</label>\n`,
    files: { 'a.log': 'an error\nfine\n' },
    expected: [
      { message: 'an error', stream: 'errors' },
      { message: 'an error', stream: 'logs' },
      { message: 'fine', stream: 'logs' },
    ],
  },
  {
    name: 'the first match wins, patterns stand beside each other, and workers are one',
    config: `<worker 0-1>\n${tail('@type none', 'path DIR/a.log\ntag a.x')}</worker>\n<worker 1>\n${tail('@type none', 'path DIR/b.log\ntag b.y')}</worker>\n<source>\n@type monitor_agent\nport 24220\n</source>\n<source>\n@type prometheus\n</source>\n<match {a,c}.* d>\n@type null\n</match>\n${match}\n`,
    files: { 'a.log': 'a\n', 'b.log': 'b\n' },
    expected: [{ message: 'b' }],
  },
];

/** Documents of all blocks that streams got, in a fixed order. */
async function documentsOf(t: TestContext, { config, files }: Example): Promise<Record<string, unknown>[]> {
  const shop = createConfigShop(t);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(shop.dir, name)), { recursive: true });
    writeFileSync(join(shop.dir, name), content);
  }
  const blocks: Uint8Array[] = [];
  const client: StreamClient = {
    putRecords: async (records: StreamRecord[]) => {
      blocks.push(...records.map(({ data }) => Buffer.from(data))); // the sender uses its buffers again
      return records.map(() => ({ ok: true as const }));
    },
    close() {},
  };
  const text = config.includes('<match') ? config : `${config}${match}\n`;
  assert.equal(await shop.start(text, () => client, true).done, true);
  const found: { order: string; document: Record<string, unknown> }[] = [];
  for (const bytes of blocks) {
    const block = decodeBlock(bytes);
    createRenderer().renderBlock(block, [...blockRecords(block)], ({ source }) => {
      const document = JSON.parse(source.replaceAll(shop.dir.slice(1).replaceAll('/', '.'), 'DIR'));
      const { stream, tag, log } = document;
      const order = [stream, tag, log.file.path, String(log.offset).padStart(9)].join('\n');
      found.push({ order, document });
    });
  }
  return found.sort((a, b) => (a.order < b.order ? -1 : 1)).map(({ document }) => document);
}

function memberOf(document: Record<string, unknown>, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

for (const [kind, examples] of [
  ['inputs', tailExamples],
  ['parsers', parserExamples],
  ['filters and routes', pipelineExamples],
] as const)
  describe(`examples of fluentd's documentation: ${kind}`, { concurrency: 2 }, () => {
    for (const example of examples)
      test(example.name, async (t) => {
        const documents = await documentsOf(t, example);
        assert.deepEqual(
          documents.map((document, i) =>
            Object.fromEntries(
              Object.keys(example.expected[i] ?? { message: '' }).map((path) => [
                path,
                memberOf(document, path),
              ]),
            ),
          ),
          example.expected,
        );
      });
  });
