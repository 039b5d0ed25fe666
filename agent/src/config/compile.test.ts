import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRule } from '@millrace/core/parse/registry.ts';
import fc from 'fast-check';
import type { Pipeline } from './pipeline.ts';
import {
  kinesisOf,
  loadText,
  matchText as match,
  outputText as output,
  refusal,
  sourceText as source,
} from './testing.ts';

const f = '/etc/agent.conf';

const first = (text: string) => {
  const [found] = loadText(text).sources;
  assert(found);
  return found;
};

const teamConfig = `
<system>
  workers 4
  log_level warn
  state_dir /var/lib/shipper
  http_port 6706
</system>

# access logs
<source>
  @type tail
  @id nginx
  path /var/log/nginx/access.log, /var/log/nginx/vhosts/*.access.log
  exclude_path ["/var/log/nginx/vhosts/*.gz"]
  pos_file /var/log/td-agent/nginx.pos
  tag "nginx.access.#{hostname}"
  refresh_interval 10s
  <parse>
    @type nginx
  </parse>
</source>

<source>
  @type tail
  path /srv/app/log/%Y%m%d/*.log
  pos_file /var/log/td-agent/app.pos
  tag app.*
  read_from_head true
  multiline_flush_interval 2s
  <parse>
    @type multiline
    format_firstline /^\\d{4}-\\d{2}-\\d{2} /
    format1 /^(?<time>\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}\\.\\d+) \\[(?<thread>[^\\]]*)\\] /
    format2 /(?<level>[A-Z]+) +(?<msg>.*)$/
    time_format %Y-%m-%d %H:%M:%S.%N
  </parse>
</source>

<match nginx.** app.**>
  @type kinesis_streams
  stream_name "logs-#{ENV['STAGE'] || 'dev'}"
  region ap-northeast-2
  aws_key_id "#{ENV['AWS_KEY']}"
  aws_sec_key "#{ENV['AWS_SECRET']}"
  retries_on_batch_request 3
  <format>
    @type json
  </format>
  <inject>
    time_key timestamp
  </inject>
  <buffer tag>
    @type file
    path /var/log/td-agent/buffer/kinesis
    flush_interval 1
    chunk_limit_size 1m
    flush_thread_count 2
    retry_wait 1s
    retry_forever true
  </buffer>
</match>
`;

test("a team's fluentd configuration compiles", () => {
  const pipeline = loadText(teamConfig, { env: { STAGE: 'live' } });
  const [nginx, app] = pipeline.sources;
  const [kinesis] = pipeline.outputs;
  const { operating, ...system } = pipeline.system;
  assert.equal(operating?.heartbeatMs, 60_000);
  assert.deepEqual(system, {
    stateDir: '/var/lib/shipper',
    host: 'web-1',
    logLevel: 'warn',
    http: { host: '127.0.0.1', port: 6706 },
  });
  assert(nginx);
  // What is not given has no value.
  assert.deepEqual(JSON.parse(JSON.stringify(nginx)), {
    pollOnly: false,
    id: 'nginx',
    label: '',
    where: '/etc/agent.conf:10',
    paths: ['/var/log/nginx/access.log', '/var/log/nginx/vhosts/*.access.log'],
    excludePaths: ['/var/log/nginx/vhosts/*.gz'],
    pathTimeZone: 'Asia/Seoul',
    tag: 'nginx.access.web-1',
    readFromHead: false,
    readerId: 'nginx',
    refreshIntervalMs: 10_000,
    rotateWaitMs: 5_000,
    partialFlushMs: 5_000,
    multilineFlushMs: 5_000,
    framing: { type: 'newline' },
    rule: { v: 1, parse: { type: 'nginx' } },
  });
  assert(app?.framing.type === 'multiline');
  assert.equal(app.framing.firstlineSource, '/^\\d{4}-\\d{2}-\\d{2} /');
  assert(app.framing.firstline.test('2026-01-02 x'));
  assert.equal(app.multilineFlushMs, 2_000);
  assert.deepEqual(app.paths, ['/srv/app/log/%Y%m%d/*.log']);
  assert(kinesis);
  const { describe, createSender, ...data } = kinesis;
  assert.match(describe.call(kinesis).join('\n'), /logs-live/);
  assert.equal(typeof createSender, 'function');
  assert.deepEqual(data, {
    id: 'kinesis_streams-6f55dda0',
    where: '/etc/agent.conf:39',
    type: 'kinesis_streams',
    takesSightings: true,
    streamName: 'logs-live',
    region: 'ap-northeast-2',
    endpoint: undefined,
    credentials: undefined,
    proxy: undefined,
    verifyPeer: true,
    fips: false,
    dualStack: false,
    stream: 'logs',
    lingerMs: 1_000,
    outboxBytes: 32 * 1024 * 1024,
    drainTimeoutMs: 30_000,
    requestRecordsMax: 500,
    requestBytesMax: 5 * 1024 * 1024,
    requestsInFlightMax: 2,
    retryBaseMs: 1_000,
    retryMaxMs: 30_000,
  });
  const [stage] = pipeline.stages.get('') ?? [];
  assert(stage?.kind === 'match' && stage.target.type === 'output' && stage.target.output === kinesis);
  assert.deepEqual(
    pipeline.notices.map(({ line, message }) => `${line} ${message.split(':')[0]}`),
    [
      '3 workers',
      '15 pos_file',
      '26 pos_file',
      '45 retries_on_batch_request',
      '53 @type',
      '54 path',
      '56 chunk_limit_size',
      '59 retry_forever',
      '52 <buffer tag>',
      '46 <format>',
      '49 <inject>',
    ],
  );
});

test("a multiline rule reads a record as fluentd's parser does", () => {
  const [, app] = loadText(teamConfig).sources;
  assert(app);
  const parsed = compileRule(app.rule).parse(
    '2026-01-02 03:04:05.678 [main-1] ERROR boom\n  at a\n  at b',
    Date.UTC(2026, 0, 3),
  );
  assert.equal(parsed.error, undefined);
  assert.deepEqual({ ...parsed.fields }, { thread: 'main-1', level: 'ERROR', msg: 'boom\n  at a\n  at b' });
  assert.deepEqual(parsed.time, {
    seconds: Date.UTC(2026, 0, 1, 18, 4, 5) / 1000,
    nanos: 678_000_000,
    digits: 3,
  });
});

test('encodings become the labels that rules carry', () => {
  for (const [ruby, label] of [
    ['EUC-KR', 'euc-kr'],
    ['CP949', 'euc-kr'],
    ['Shift_JIS', 'shift_jis'],
    ['Windows-31J', 'shift_jis'],
    ['ISO-8859-1', 'windows-1252'],
    ['UTF-8', undefined],
    ['ASCII-8BIT', undefined],
    ['UTF-16LE', 'utf-16le'],
    ['UTF-16BE', 'utf-16be'],
    ['GBK', 'gbk'],
    ['CP1251', 'windows-1251'],
  ] as const)
    assert.equal(first(source(`from_encoding ${ruby}\nencoding UTF-8`)).rule.encoding, label, ruby);
  assert.equal(first(source('encoding EUC-JP')).rule.encoding, 'euc-jp');
  const multiline = first(source('encoding EUC-KR', '@type multiline\nformat_firstline /x/'));
  assert.equal(multiline.rule.encoding, 'euc-kr');
});

test('multiline says where records begin by what goes on, or by the formats alone as fluentd does', () => {
  const framing = (parse: string) => first(source('', `@type multiline\n${parse}`)).framing;
  const traces = framing('continuation stacktrace');
  assert(traces.type === 'continuation');
  for (const line of ['  at x', '\tat x', 'at x', 'Caused by: y', 'Suppressed: z', '... 12 more'])
    assert.match(line, traces.continuation);
  for (const line of ['2026 at x', 'attack', '', '...']) assert.doesNotMatch(line, traces.continuation);
  const own = framing('continuation_pattern /^>/\nmultiline_max_lines 7\nmultiline_max_bytes 2k');
  assert(own.type === 'continuation');
  assert.match('> x', own.continuation);
  assert.deepEqual(own.bounds, { lines: 7, bytes: 2048 });
  const whole = framing('format1 /^begin (?<a>.*)/\nformat2 /end$/');
  assert(whole.type === 'matching');
  assert.doesNotMatch('begin\nmore', whole.whole);
  assert.match('begin x\nmore\nend', whole.whole);
});

test('max_line_size bounds records', () => {
  assert.equal(first(source('max_line_size 1m')).maxLineBytes, 1024 * 1024);
  assert.equal(first(source('')).maxLineBytes, undefined);
});

test("v0.12's flat names compile to the same as v1's sections", () => {
  const flat = loadText(
    `<source>\ntype tail\nid x\npath /a.log\ntag t\nformat /^(?<time>[^ ]*) (?<b>.*)$/\ntime_format %s\ntypes b:integer\n</source>
<match t>\ntype kinesis_streams\nstream_name s\nregion r\nbuffer_type file\nbuffer_path /b\nflush_interval 1s\nnum_threads 7\nretry_wait 2s\nmax_retry_wait 1m\nbuffer_chunk_limit 1m\nformat json\ninclude_time_key true\n</match>`,
  );
  const modern = loadText(
    `<source>\n@type tail\n@id x\npath /a.log\ntag t\n<parse>\n@type regexp\nexpression /^(?<time>[^ ]*) (?<b>.*)$/\ntime_format %s\ntypes b:integer\n</parse>\n</source>
<match t>\n@type kinesis_streams\nstream_name s\nregion r\n<buffer>\n@type file\npath /b\nflush_interval 1s\nflush_thread_count 7\nretry_wait 2s\nretry_max_interval 1m\nchunk_limit_size 1m\n</buffer>\n<format>\n@type json\n</format>\n<inject>\ntime_key time\n</inject>\n</match>`,
  );
  assert.deepEqual(flat.sources, modern.sources);
  const data = (pipeline: Pipeline) => JSON.stringify({ ...pipeline.outputs[0], where: '' });
  assert.equal(data(flat), data(modern));
  const messages = (notices: { message: string }[]) => notices.map(({ message }) => message).toSorted();
  assert.deepEqual(messages(flat.notices), messages(modern.notices));
  assert.deepEqual(
    first(`<source>\ntype tail\npath /a\ntag t\nformat multiline\nformat_firstline /^a/\n</source>\n${match}`)
      .framing.type,
    'multiline',
  );
});

test('nil values count as not given, and required ones say why they are nil', () => {
  assert.equal(
    kinesisOf(loadText(output('aws_key_id "#{ENV[\'A\']}"\naws_sec_key "#{ENV[\'B\']}"'))).credentials,
    undefined,
  );
  assert.equal(first(source('rotate_wait "#{use_nil}"')).rotateWaitMs, 5_000);
  assert.equal(
    refusal(() => loadText(source('path "#{ENV[\'LOGS\']}"'))),
    '/etc/agent.conf:5: path: required in <source> @type tail: the environment variable LOGS is not set',
  );
});

test('a static key is used, and named as a risk unless it is for another address', () => {
  const keys = 'aws_key_id AK\naws_sec_key secret\naws_ses_token tok';
  const pipeline = loadText(output(keys));
  assert.deepEqual(kinesisOf(pipeline).credentials, {
    accessKeyId: 'AK',
    secretAccessKey: 'secret',
    sessionToken: 'tok',
  });
  assert.equal(pipeline.notices.length, 1);
  assert.equal(loadText(output(`${keys}\nendpoint http://127.0.0.1:6701`)).notices.length, 0);
});

test('the region may come from the environment', () => {
  const text = output('').replace('region r\n', '');
  assert.equal(kinesisOf(loadText(text, { env: { AWS_REGION: 'eu-west-1' } })).region, 'eu-west-1');
  assert.equal(kinesisOf(loadText(text, { env: { AWS_DEFAULT_REGION: 'eu-west-2' } })).region, 'eu-west-2');
});

test('paths are split at commas, but not inside of braces', () => {
  assert.deepEqual(first(source('path /a/{b,c}/*.log, /d').replace('path /a.log\n', '')).paths, [
    '/a/{b,c}/*.log',
    '/d',
  ]);
  assert.deepEqual(first(source('path /a,b|/d\npath_delimiter |').replace('path /a.log\n', '')).paths, [
    '/a,b',
    '/d',
  ]);
});

test('values of unsupported parameters that ask for nothing may stay', () => {
  for (const line of ['read_bytes_limit_per_second -1', 'emit_unmatched_lines true', 'follow_inodes true'])
    assert.equal(first(source(line)).tag, 't');
  assert.equal(loadText(output('ssl_verify_peer true')).outputs.length, 1);
});

test('a path that two sources follow is named', () => {
  const twice = source('').replace(match, '') + source('');
  const [notice] = loadText(twice).notices;
  assert.deepEqual(notice, {
    file: f,
    line: 12,
    message: `path: "/a.log" is also followed by the source at ${f}:1: its lines are delivered twice`,
  });
});

test('any mix of known words compiles or is a CONFIG_INVALID', () => {
  const line = fc.constantFrom(
    ...[
      '<source>',
      '</source>',
      '<parse>',
      '</parse>',
      '<match **>',
      '</match>',
      '<buffer>',
      '</buffer>',
      '<system>',
      '</system>',
    ],
    ...[
      '@type tail',
      '@type json',
      '@type regexp',
      '@type multiline',
      '@type kinesis_streams',
      'path /a',
      'tag t',
      'format /x/',
    ],
    ...[
      'expression /(?<a>x)/',
      'format_firstline /^x/',
      'format1 /(?<time>a)/',
      'stream_name s',
      'region r',
      'flush_interval 5s',
    ],
    ...[
      'tag a.*',
      'time_format %Y',
      'timezone x',
      'types a:b',
      '__proto__ 1',
      'constructor x',
      'toString',
      '@id x',
      '@label y',
    ],
  );
  const whole = fc.array(line, { maxLength: 25 }).map((lines) => lines.join('\n'));
  const inSource = fc.array(line, { maxLength: 6 }).map((lines) => source(lines.join('\n')));
  fc.assert(
    fc.property(fc.oneof(whole, inSource), (text) => {
      try {
        loadText(text);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'CONFIG_INVALID', text);
      }
    }),
    { numRuns: 1_000 },
  );
});
