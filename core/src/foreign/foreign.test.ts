import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { createRenderer } from '../document/render.ts';
import { isMillraceError } from '../errors.ts';
import { arbitraryBytes } from '../testing/blocks.ts';
import { payloadBytesMax } from '../wire/block.ts';
import { decodeBlock } from '../wire/decode.ts';
import { blockRecords } from '../wire/records.ts';
import { type ForeignRecord, type WrapOptions, wrapForeign } from './wrap.ts';

const arrivalMs = Date.UTC(2026, 10, 22, 19, 16, 48, 500);
const options: WrapOptions = {
  stream: 'logs',
  tag: 'foreign.k',
  contentBytesMax: 32 * 1024 * 1024,
  eventsMax: 100_000,
};

function record(data: Buffer | string, more: Partial<ForeignRecord> = {}): ForeignRecord {
  const bytes = Buffer.from(data as string);
  return { data: bytes, arrivalMs, stream: 'k', shard: 'shardId-0', sequence: '49', subSequence: 0, ...more };
}

interface Event {
  id: string;
  doc: {
    '@timestamp': string;
    message: string;
    tag: string;
    host: { name: string };
    log: { file: { path: string }; offset: number; level?: string };
    fields?: Record<string, unknown>;
    service?: { name: string };
    error?: { type: string; message: string };
  };
}

/** Events as every reader makes them: from the blocks' bytes alone. */
function eventsOf(data: Buffer | string, more: Partial<WrapOptions> = {}): Event[] {
  const events: Event[] = [];
  const renderer = createRenderer();
  for (const { bytes } of wrapForeign(record(data), { ...options, ...more }).blocks) {
    const block = decodeBlock(bytes);
    const left = renderer.renderBlock(block, blockRecords(block), ({ id, source }) => {
      events.push({ id, doc: JSON.parse(source) });
    });
    assert.deepEqual(left, []);
  }
  return events;
}

const messages = (events: Event[]) => events.map(({ doc }) => doc.message);
const times = (events: Event[]) => events.map(({ doc }) => doc['@timestamp']);

test('text is an event a line, with the time and level written in it, else the time of arrival', () => {
  const events = eventsOf('2026-11-22T18:00:01.25Z ERROR it broke\nno time here\r\nlast');
  assert.deepEqual(messages(events), ['2026-11-22T18:00:01.25Z ERROR it broke', 'no time here', 'last']);
  assert.deepEqual(times(events), [
    '2026-11-22T18:00:01.25Z',
    '2026-11-22T19:16:48.500Z',
    '2026-11-22T19:16:48.500Z',
  ]);
  assert.deepEqual(
    events.map(({ doc }) => [doc.tag, doc.host.name, doc.log.file.path, doc.log.offset, doc.log.level]),
    [
      ['foreign.k', 'kinesis:k', 'kinesis://k/shardId-0', 0, 'error'],
      ['foreign.k', 'kinesis:k', 'kinesis://k/shardId-0', 39, undefined],
      ['foreign.k', 'kinesis:k', 'kinesis://k/shardId-0', 53, undefined],
    ],
  );
});

test('a JSON object has fields, a message, well-known names and the time of the field that holds one', () => {
  const cases: [object, string, string[]][] = [
    [{ time: '2026-11-22T01:02:03Z', msg: 'm' }, '2026-11-22T01:02:03Z', []],
    [{ timestamp: 1_763_778_123_456, msg: 'm' }, '2025-11-22T02:22:03.456Z', []],
    [{ ts: 1_763_778_123.5, msg: 'm' }, '2025-11-22T02:22:03.5Z', []],
    [{ '@timestamp': '2026-11-22T01:02:03.123456789+09:00', msg: 'm' }, '2026-11-21T16:02:03.123456789Z', []],
    [{ time: 0.0042, date: '2026-11-22', msg: 'm' }, '2026-11-22T19:16:48.500Z', ['time', 'date']],
    [{ time: 0.0042, datetime: '2026-11-22T05:00:00Z', msg: 'm' }, '2026-11-22T05:00:00Z', ['time']],
    [{ time: '2099-01-01T00:00:00Z', msg: 'm' }, '2026-11-22T19:16:48.500Z', ['time']],
    [{ msg: '2026-11-22 06:00:00 started' }, '2026-11-22T06:00:00Z', []],
    [{ msg: 'm', time: { at: 1 } }, '2026-11-22T19:16:48.500Z', ['time']],
  ];
  for (const [value, time, left] of cases) {
    const [event] = eventsOf(JSON.stringify(value));
    assert.equal(event?.doc['@timestamp'], time, JSON.stringify(value));
    assert.deepEqual(Object.keys(event?.doc.fields ?? {}), left, JSON.stringify(value));
    assert.equal(event?.doc.error, undefined);
  }
  const [event] = eventsOf(
    '{"level":"WARNING","service":"pay","host":"evil","tag":"x","message":"m","a":{"b":1}}',
  );
  assert.deepEqual(event?.doc.fields, {
    level: 'WARNING',
    service: 'pay',
    host: 'evil',
    tag: 'x',
    a: { b: 1 },
  });
  assert.equal(event?.doc.log.level, 'warn');
  assert.equal(event?.doc.service?.name, 'pay');
  assert.deepEqual(
    [event?.doc.host.name, event?.doc.tag],
    ['kinesis:k', 'foreign.k'],
    'ours are not overridden',
  );
});

test('NDJSON is an event a line, each by its own time field, what is no JSON as text', () => {
  const lines = [
    '{"time":"2026-11-22T01:00:00Z","msg":"a"}',
    '{"ts":1763778123,"msg":"b"}',
    'plain',
    '{"broken":',
  ];
  const events = eventsOf(lines.join('\n'));
  assert.deepEqual(messages(events), ['a', 'b', 'plain', '{"broken":']);
  assert.deepEqual(times(events).slice(0, 3), [
    '2026-11-22T01:00:00Z',
    '2025-11-22T02:22:03Z',
    '2026-11-22T19:16:48.500Z',
  ]);
});

test('a JSON object over several lines is one event', () => {
  const text = JSON.stringify({ msg: 'pretty', n: [1, { a: 2 }] }, null, 2);
  const events = eventsOf(`${text}\n`);
  assert.deepEqual(messages(events), ['pretty']);
  assert.deepEqual(events[0]?.doc.fields, { n: [1, { a: 2 }] });
  assert.equal(eventsOf('{"a":1}\n{"a":2}\n').length, 2);
});

test('gzip and zstd, also of several members and frames, hold the same events as what they were made of', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `{"n":${i},"msg":"line ${i}"}\n`);
  const text = lines.join('');
  const half = text.length / 2;
  const plain = eventsOf(text);
  assert.equal(plain.length, 50);
  const parts = [Buffer.from(text.slice(0, half)), Buffer.from(text.slice(half))];
  for (const packed of [
    gzipSync(text),
    zstdCompressSync(text),
    Buffer.concat(parts.map((part) => gzipSync(part))),
    Buffer.concat(parts.map((part) => zstdCompressSync(part))),
    Buffer.concat([gzipSync(text), Buffer.alloc(7)]),
  ]) {
    assert.deepEqual(eventsOf(packed), plain);
  }
});

const logEvents = [
  { id: '3195', timestamp: 1_763_778_123_456, message: 'START RequestId: 1\n' },
  {
    id: '3196',
    timestamp: 1_763_778_123_999,
    message: '{"level":"error","id":7,"message":"inner","user":"u\\n1"}',
  },
];
const envelope = {
  messageType: 'DATA_MESSAGE',
  owner: '123456789012',
  logGroup: '/aws/lambda/pay',
  logStream: '2026/11/22/[$LATEST]abc',
  subscriptionFilters: ['all'],
  logEvents,
};

test('a CloudWatch Logs envelope becomes its events, with their times and where they are from', () => {
  for (const data of [gzipSync(JSON.stringify(envelope)), JSON.stringify(envelope, null, 2)]) {
    const events = eventsOf(data);
    assert.deepEqual(messages(events), ['START RequestId: 1\n', 'inner']);
    assert.deepEqual(times(events), ['2025-11-22T02:22:03.456Z', '2025-11-22T02:22:03.999Z']);
    assert.equal(events[0]?.doc.log.file.path, '/aws/lambda/pay:2026/11/22/[$LATEST]abc');
    const from = {
      'cloud.account.id': '123456789012',
      'aws.cloudwatch.log_group': '/aws/lambda/pay',
      'aws.cloudwatch.subscription_filters': 'all',
    };
    assert.deepEqual(events[0]?.doc.fields, { ...from, 'aws.cloudwatch.event_id': '3195' });
    assert.deepEqual(events[1]?.doc.fields, {
      ...from,
      'aws.cloudwatch.event_id': '3196',
      level: 'error',
      id: 7,
      user: 'u\n1',
    });
    assert.equal(events[1]?.doc.log.level, 'error');
  }
});

test("the archive's bytes of an envelope are its events as they stood in it, one a line", () => {
  const raw = `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[ {"id":"1" , "timestamp":1,"message":"\\u00e9}]"} ,{"id":"2","timestamp":2,"message":"b"}]}`;
  const [made] = wrapForeign(record(raw), options).blocks;
  assert.equal(
    Buffer.from(made?.block.payload ?? []).toString(),
    '{"id":"1" , "timestamp":1,"message":"\\u00e9}]"}\n{"id":"2","timestamp":2,"message":"b"}\n',
  );
});

test('what asks and what holds nothing makes no event and is no error', () => {
  const control = { ...envelope, messageType: 'CONTROL_MESSAGE' };
  assert.deepEqual(wrapForeign(record(gzipSync(JSON.stringify(control))), options), {
    kind: 'control',
    blocks: [],
  });
  assert.deepEqual(wrapForeign(record(''), options), { kind: 'empty', blocks: [] });
  assert.deepEqual(wrapForeign(record(gzipSync('')), options), { kind: 'empty', blocks: [] });
  assert.equal(wrapForeign(record(JSON.stringify({ ...envelope, logEvents: [] })), options).kind, 'empty');
});

test('what only looks like an envelope is the JSON that it is', () => {
  for (const bad of [
    { ...envelope, messageType: 'OTHER' },
    { ...envelope, logEvents: 'none' },
    { ...envelope, logGroup: 7 },
  ]) {
    assert.equal(eventsOf(JSON.stringify(bad)).length, 1);
  }
});

test('what explodes, is damaged, or is no text is refused by a closed error', () => {
  const limits = { contentBytesMax: 100_000, eventsMax: 1_000 };
  const zeros = Buffer.alloc(50_000_000, 'a');
  const cases: [string, Buffer, string][] = [
    ['gzip bomb', gzipSync(zeros), 'WIRE_LIMIT'],
    ['zstd bomb', zstdCompressSync(zeros), 'WIRE_LIMIT'],
    [
      'many small zstd frames',
      Buffer.concat(Array(200).fill(zstdCompressSync(Buffer.alloc(1_000, 'a')))),
      'WIRE_LIMIT',
    ],
    ['many lines', Buffer.alloc(1_001, '\n'), 'WIRE_LIMIT'],
    [
      'many envelope events',
      Buffer.from(JSON.stringify({ ...envelope, logEvents: Array(1_001).fill({}) })),
      'WIRE_LIMIT',
    ],
    ['cut gzip', gzipSync('hello hello').subarray(0, 15), 'WIRE_CORRUPT'],
    ['cut zstd', zstdCompressSync('hello hello').subarray(0, 15), 'WIRE_CORRUPT'],
    ['bytes behind gzip', Buffer.concat([gzipSync('x'), Buffer.from('tail')]), 'WIRE_CORRUPT'],
    ['bytes behind zstd', Buffer.concat([zstdCompressSync('x'), Buffer.from('tail-tail')]), 'WIRE_CORRUPT'],
    ['binary', randomBytes(1_000), 'WIRE_CORRUPT'],
    ['NUL', Buffer.from('text\0text'), 'WIRE_CORRUPT'],
    ['protobuf', Buffer.from('\x08\x01\x12\x05hello\x1a\x03abc'), 'WIRE_CORRUPT'],
    ['binary in gzip', gzipSync(randomBytes(1_000)), 'WIRE_CORRUPT'],
    ['latin1 without a label', Buffer.from('caf\u00e9 au lait', 'latin1'), 'WIRE_CORRUPT'],
  ];
  for (const [name, data, code] of cases) {
    assert.throws(() => wrapForeign(record(data), { ...options, ...limits }), { code }, name);
  }
});

test('text of a configured encoding is read as such, where it is no UTF-8', () => {
  const korean = Buffer.from([0xc7, 0xd1, 0xb1, 0xdb]);
  assert.deepEqual(messages(eventsOf(korean, { encoding: 'euc-kr' })), ['한글']);
  const json = Buffer.concat([
    Buffer.from('{"time":"2026-11-22T01:00:00Z","msg":"'),
    korean,
    Buffer.from('"}'),
  ]);
  const [event] = eventsOf(json, { encoding: 'euc-kr' });
  assert.deepEqual([event?.doc.message, event?.doc['@timestamp']], ['한글', '2026-11-22T01:00:00Z']);
  assert.deepEqual(messages(eventsOf('한글', { encoding: 'euc-kr' })), ['한글']);
});

test('a line longer than a block is cut between two characters, its pieces marked, no byte lost', () => {
  const long = '한'.repeat(700_000);
  const made = wrapForeign(record(gzipSync(`a\n${long}\nb\n`)), options).blocks;
  const payloads = made.map(({ bytes }) => decodeBlock(bytes));
  const runs = payloads.flatMap(({ header }) => header.runs);
  assert.deepEqual(
    runs.map(({ continues, continued }) => [continues, continued]),
    [
      [false, false],
      [false, true],
      [true, true],
      [true, false],
      [false, false],
    ],
  );
  const events = eventsOf(gzipSync(`a\n${long}\nb\n`));
  assert.equal(messages(events).slice(1, -1).join(''), long);
  for (const { payload } of payloads) assert.ok(payload.length <= payloadBytesMax);
});

test('the same record makes the same blocks and ids; another place in the stream makes others', () => {
  const text = fc.oneof(
    arbitraryBytes.filter((bytes) => bytes.length > 0 && !bytes.includes(0) && isText(bytes)),
    fc.array(fc.json(), { minLength: 1 }).map((values) => Buffer.from(values.join('\n'))),
  );
  fc.assert(
    fc.property(text, fc.boolean(), (bytes, packed) => {
      const data = packed ? gzipSync(bytes) : bytes;
      const first = wrapForeign(record(data), options);
      const again = wrapForeign(record(Buffer.from(data)), options);
      assert.deepEqual(
        again.blocks.map((made) => made.bytes),
        first.blocks.map((made) => made.bytes),
      );
      const ids = eventsOf(data).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      const other = wrapForeign(record(data, { subSequence: 1 }), options).blocks[0]?.block.header.sources[0];
      assert.notDeepEqual(other?.generation, first.blocks[0]?.block.header.sources[0]?.generation);
      // Every byte of the content is in the blocks, in order, at its offset.
      let at = 0;
      for (const { block } of first.blocks) {
        for (const item of blockRecords(block)) {
          assert.equal(item.offset, at);
          assert.deepEqual(
            Buffer.from(block.payload.subarray(item.start, item.end)),
            Buffer.from(bytes.subarray(at, at + item.end - item.start)),
          );
          at += item.end - item.start;
        }
      }
      assert.equal(at, bytes.length);
    }),
    { numRuns: 300 },
  );
});

function isText(bytes: Buffer): boolean {
  try {
    wrapForeign(record(bytes), options);
    return true;
  } catch {
    return false;
  }
}

test('random bytes never end in anything but events or a closed error', () => {
  const heads = [
    [],
    [0x1f, 0x8b, 8],
    [0x28, 0xb5, 0x2f, 0xfd],
    [0x5b, 0x2a, 0x4d, 0x18],
    [...Buffer.from('{"messageType"')],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 300 }), (head, bytes) => {
      try {
        eventsOf(Buffer.concat([Buffer.from(head), bytes]));
      } catch (error) {
        assert.ok(
          isMillraceError(error, 'WIRE_CORRUPT') || isMillraceError(error, 'WIRE_LIMIT'),
          String(error),
        );
      }
    }),
    { numRuns: 3_000 },
  );
});
