import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isMillraceError } from '@millrace/core/errors.ts';
import { ExtData, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { collision, decompressed, readMessage, writeEvents } from './events.ts';
import { JsonLines } from './json-lines.ts';

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

function eventTime(seconds: number, nanos: number): ExtData {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(seconds, 0);
  data.writeUInt32BE(nanos, 4);
  return new ExtData(0, data);
}

/** The lines of a message, and how many entries of it were none. */
async function linesOf(
  bytes: Uint8Array,
  members = '',
): Promise<{ text: string; invalid: number; tag: string }> {
  const message = readMessage(Buffer.from(bytes));
  assert.ok(message);
  const lines = new JsonLines(1_000_000);
  const events = await decompressed(message, 1_000_000);
  const invalid = writeEvents(message, events, { timeKey: '@time', nowMs, members }, lines);
  assert.notEqual(invalid, collision);
  return { text: lines.take().toString('latin1'), invalid: Number(invalid), tag: message.tag };
}

function message(time: unknown, record: unknown): Uint8Array {
  return encode(['t', time, record], { useBigInt64: true });
}

const first = encode([eventTime(1_700_000_000, 123), { a: 1 }]);
const second = encode([1_700_000_001, { b: 'x' }]);
const packed = Buffer.concat([first, second]);
const bothLines =
  '{"@time":"2023-11-14T22:13:20.000000123Z","a":1}\n{"@time":"2023-11-14T22:13:21Z","b":"x"}\n';

test('each mode of the protocol yields the same lines', async (t) => {
  const modes: [string, Uint8Array][] = [
    [
      'Forward',
      encode([
        'app.x',
        [
          [eventTime(1_700_000_000, 123), { a: 1 }],
          [1_700_000_001, { b: 'x' }],
        ],
      ]),
    ],
    ['PackedForward as binary', encode(['app.x', packed])],
    ['PackedForward with options', encode(['app.x', packed, { size: 2, chunk: 'p8n9gmxTQVC8/nh2wlKKeQ==' }])],
    ['CompressedPackedForward', encode(['app.x', gzipSync(packed), { compressed: 'gzip', size: 2 }])],
    [
      'CompressedPackedForward of two members',
      encode(['app.x', Buffer.concat([gzipSync(first), gzipSync(second)]), { compressed: 'gzip' }]),
    ],
    [
      'CompressedPackedForward of two zstd frames',
      encode([
        'app.x',
        Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)]),
        { compressed: 'zstd' },
      ]),
    ],
    ['PackedForward marked as text', encode(['app.x', packed, { compressed: 'text' }])],
  ];
  for (const [name, bytes] of modes)
    await t.test(name, async () => {
      assert.deepEqual(await linesOf(bytes), { text: bothLines, invalid: 0, tag: 'app.x' });
    });
});

test('the bytes of the specification’s examples are read', async (t) => {
  const golden: [string, string, string][] = [
    // ["tag.name", 1441588984, {"message":"bar"}, {"chunk":"x"}]
    [
      'Message',
      '94a87461672e6e616d65ce55ece0f881a76d657373616765a362617281a56368756e6ba178',
      '{"@time":"2015-09-07T00:57:28Z","message":"bar"}\n',
    ],
    // ["tag.name", [[1441588984, {"message":"foo"}], [d7 00 time, {"message":"bar"}]], {}]
    [
      'Forward',
      '93a87461672e6e616d659292ce55ece0f881a76d657373616765a3666f6f92d70055ece0f90000000181a76d657373616765a362617280',
      '{"@time":"2015-09-07T00:57:28Z","message":"foo"}\n{"@time":"2015-09-07T00:57:29.000000001Z","message":"bar"}\n',
    ],
    // The same with the time as ext 8 (c7 08 00) and the entries as str 8.
    [
      'PackedForward as text',
      '92a87461672e6e616d65d91992c7080055ece0f90000000181a76d657373616765a3626172',
      '{"@time":"2015-09-07T00:57:29.000000001Z","message":"bar"}\n',
    ],
  ];
  for (const [name, hex, expected] of golden)
    await t.test(name, async () => {
      const { text, invalid } = await linesOf(Buffer.from(hex, 'hex'));
      assert.equal(text, expected);
      assert.equal(invalid, 0);
    });
});

test('times keep the digits that they came with', async (t) => {
  const times: [string, unknown, string][] = [
    ['whole seconds', 1_700_000_000, '2023-11-14T22:13:20Z'],
    ['nanoseconds', eventTime(1_700_000_000, 999_999_999), '2023-11-14T22:13:20.999999999Z'],
    ['the last second of EventTime', eventTime(4_294_967_295, 0), '2106-02-07T06:28:15.000000000Z'],
    ['a fraction', 1_700_000_000.25, '2023-11-14T22:13:20.25Z'],
    ['a 64-bit number', 1_700_000_000n, '2023-11-14T22:13:20Z'],
    ['none', null, '2026-01-02T03:04:05.006Z'],
    ['zero', 0, '2026-01-02T03:04:05.006Z'],
    ['zero as EventTime', eventTime(0, 5), '2026-01-02T03:04:05.006Z'],
    ['beyond the calendar', 99_999_999_999_999, '99999999999999'],
    ['before 1970', -5, '-5'],
  ];
  for (const [name, time, expected] of times)
    await t.test(name, async () => {
      assert.equal((await linesOf(message(time, {}))).text, `{"@time":"${expected}"}\n`);
    });
});

test('values that JSON has no form for are neither lost nor a crash', async (t) => {
  const text = Buffer.from([0xa2, 0xff, 0x41]); // a text of two bytes, one of them no UTF-8
  const cases: [string, Uint8Array, string][] = [
    ['the largest 64-bit number', message(1, { n: 2n ** 64n - 1n }), '"n":18446744073709551615'],
    ['the smallest 64-bit number', message(1, { n: -(2n ** 63n) }), '"n":-9223372036854775808'],
    ['a number beyond 2^53', message(1, { n: 9_007_199_254_740_993n }), '"n":9007199254740993'],
    ['NaN', message(1, { n: Number.NaN }), '"n":"NaN"'],
    ['infinity', message(1, { n: Number.NEGATIVE_INFINITY }), '"n":"-Infinity"'],
    ['a double', message(1, { n: 0.1 }), '"n":0.1'],
    ['binary', message(1, { b: new Uint8Array([0x41, 0x00, 0xc3, 0x28]) }), '"b":"A\\u0000\xc3("'],
    [
      'text that is no UTF-8',
      Buffer.concat([Buffer.from([0x93, 0xa1, 0x74, 1, 0x81, 0xa1, 0x78]), text]),
      '"x":"\xffA"',
    ],
    ['control characters and quotes', message(1, { s: 'a\n\t"\\\u001f' }), '"s":"a\\n\\t\\"\\\\\\u001f"'],
    ['a name with a quote', message(1, { 'a"b': 1 }), '"a\\"b":1'],
    ['__proto__', Buffer.from('93a1740181a95f5f70726f746f5f5f01', 'hex'), '"__proto__":1'],
    ['a name that comes twice', Buffer.from('93a1740182a16101a16102', 'hex'), '"a":1,"a":2'],
    ['a name that is a number', Buffer.from('93a17401810501', 'hex'), '"5":1'],
    ['a name that is a map', Buffer.from('93a174018181a161a16201', 'hex'), '"{\\"a\\":\\"b\\"}":1'],
    [
      'a time among the values',
      message(1, { at: eventTime(1_700_000_000, 1) }),
      '"at":"2023-11-14T22:13:20.000000001Z"',
    ],
    [
      'another extension',
      message(1, { e: new ExtData(5, new Uint8Array([1, 2])) }),
      '"e":{"ext":5,"base64":"AQI="}',
    ],
    [
      'nested values',
      message(1, { a: [{ b: [null, true, false, []] }, {}] }),
      '"a":[{"b":[null,true,false,[]]},{}]',
    ],
    [
      'long text',
      message(1, { s: 'é'.repeat(70_000) }),
      `"s":"${Buffer.from('é'.repeat(70_000)).toString('latin1')}"`,
    ],
  ];
  for (const [name, bytes, expected] of cases)
    await t.test(name, async () => {
      const { text: line } = await linesOf(bytes);
      assert.equal(line.slice(line.indexOf(',') + 1), `${expected}}\n`);
    });
});

test('any record of JSON comes out as the same JSON', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (record) => {
      fc.pre(!('@time' in record) && !('__proto__' in record));
      const { '@time': _, ...read } = JSON.parse(
        Buffer.from((await linesOf(message(1, record))).text, 'latin1').toString(),
      );
      assert.deepEqual(read, JSON.parse(JSON.stringify(record)));
    }),
  );
});

test('members of the source stand behind the record’s own, and metadata of an entry before it', async () => {
  const { text } = await linesOf(
    encode([
      't',
      [
        [[5, { k: 'v' }], { a: 1 }],
        [[6, {}], { a: 2 }],
      ],
    ]),
    ',"from":"é"',
  );
  assert.equal(
    Buffer.from(text, 'latin1').toString(),
    '{"@time":"1970-01-01T00:00:05Z","@metadata":{"k":"v"},"a":1,"from":"é"}\n{"@time":"1970-01-01T00:00:06Z","a":2,"from":"é"}\n',
  );
});

test('a record with a member of the time’s name is told', () => {
  const found = readMessage(Buffer.from(message(1, { '@time': 1 })));
  assert.ok(found);
  const added = { timeKey: '@time', nowMs, members: '' };
  assert.equal(writeEvents(found, found.events, added, new JsonLines(1_000_000)), collision);
  assert.equal(
    writeEvents(found, found.events, { ...added, timeKey: '@time_' }, new JsonLines(1_000_000)),
    0,
  );
});

test('entries that are no events are counted, and the others are taken', async () => {
  const entries = ['x', [1], ['noon', { a: 1 }], [1, 'text'], [1, null], [2, { ok: true }]];
  const forward = await linesOf(encode(['t', entries]));
  assert.deepEqual(forward, { text: '{"@time":"1970-01-01T00:00:02Z","ok":true}\n', invalid: 5, tag: 't' });
  const cut = Buffer.concat([encode([2, { ok: true }]), Buffer.from([0x92, 0x01])]);
  assert.deepEqual(await linesOf(encode(['t', cut])), { ...forward, invalid: 1 });
  let deep: unknown = 1;
  for (let i = 0; i < 300; i++) deep = [deep];
  const bytes = encode(
    [
      't',
      [
        [1, { deep }],
        [2, { ok: true }],
      ],
    ],
    { maxDepth: 1000 },
  );
  assert.deepEqual(await linesOf(bytes), { ...forward, invalid: 1 });
});

test('what is no message is refused with the reason', (t) => {
  const refused: [string, Uint8Array, RegExp][] = [
    ['a map', encode({ a: 1 }), /an array/],
    ['a tag alone', encode(['t']), /an array/],
    ['no tag', encode([5, []]), /tag/],
    ['an empty tag', encode(['', []]), /tag/],
    ['a long tag', encode(['t'.repeat(1025), []]), /tag/],
    ['no record', encode(['t', 1]), /without a record/],
    ['another compression', encode(['t', packed, { compressed: 'lz4' }]), /lz4/],
  ];
  for (const [name, bytes, reason] of refused)
    t.test(name, () => {
      assert.throws(
        () => readMessage(Buffer.from(bytes)),
        (error) => {
          assert.ok(isMillraceError(error, 'WIRE_CORRUPT'));
          return reason.test(error.message);
        },
      );
    });
  assert.equal(readMessage(Buffer.from(encode(null))), undefined);
});

test('a decompression bomb stops at the limit, damage is named', async () => {
  const zeros = Buffer.alloc(5_000_000);
  for (const [compressed, bytes] of [
    ['gzip', gzipSync(zeros)],
    ['zstd', zstdCompressSync(zeros)],
    ['zstd', Buffer.concat(Array.from({ length: 6 }, () => zstdCompressSync(zeros.subarray(0, 200_000))))],
  ] as const) {
    const bomb = readMessage(Buffer.from(encode(['t', bytes, { compressed }])));
    assert.ok(bomb);
    await assert.rejects(decompressed(bomb, 1_000_000), (error) => isMillraceError(error, 'WIRE_LIMIT'));
    const broken = readMessage(
      Buffer.from(encode(['t', bytes.subarray(0, bytes.length - 5), { compressed }])),
    );
    assert.ok(broken);
    await assert.rejects(decompressed(broken, 10_000_000), (error) => isMillraceError(error, 'WIRE_CORRUPT'));
  }
});
