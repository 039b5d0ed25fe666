import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { InputCase } from '../../testing/input-case.ts';
import { logLines } from './lines.ts';
import type { AnyValue } from './model.ts';
import { decodeLogs } from './protobuf.ts';

const nanos = '1700000000123456789';
const trace = '0123456789abcdef0123456789abcdef';

const request = {
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop/1' } }] },
      scopeLogs: [
        {
          scope: { name: 'lib', version: '2' },
          logRecords: [
            {
              timeUnixNano: nanos,
              observedTimeUnixNano: '1700000001000000000',
              severityNumber: 17,
              severityText: 'ERROR',
              body: { stringValue: 'it "failed"\n' },
              attributes: [
                { key: 'n', value: { intValue: '9223372036854775807' } },
                {
                  key: 'list',
                  value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } },
                },
              ],
              traceId: trace,
              spanId: '0123456789abcdef',
            },
          ],
        },
      ],
    },
  ],
};

const line =
  '{"@time":"2023-11-14T22:13:20.123456789Z","observed_time":"2023-11-14T22:13:21.000000000Z","log.level":"error",' +
  `"severity_number":17,"severity_text":"ERROR","message":"it \\"failed\\"\\n","trace.id":"${trace}",` +
  '"span.id":"0123456789abcdef","attributes":{"n":9223372036854775807,"list":[true,0.5]},"service.name":"shop/1",' +
  '"resource":{"service.name":"shop/1"},"scope":{"name":"lib","version":"2"}}\n';

function field(writer: BinaryWriter, number: number, write: (writer: BinaryWriter) => void): BinaryWriter {
  writer.tag(number, WireType.LengthDelimited).fork();
  write(writer);
  return writer.join();
}

function text(writer: BinaryWriter, number: number, value: string): BinaryWriter {
  return writer.tag(number, WireType.LengthDelimited).string(value);
}

/** The request above, and what a newer protocol could add. */
function encoded(depth = 0): Uint8Array {
  const writer = new BinaryWriter();
  const attribute = (key: string, value: (writer: BinaryWriter) => void) => (w: BinaryWriter) =>
    field(text(w, 1, key), 2, value);
  const deep = (w: BinaryWriter, left: number): void => {
    if (left > 0) field(w, 5, (list) => field(list, 1, (item) => deep(item, left - 1)));
    else w.tag(2, WireType.Varint).bool(true);
  };
  field(writer, 1, (resourceLogs) => {
    field(resourceLogs, 1, (resource) =>
      field(
        resource,
        1,
        attribute('service.name', (w) => text(w, 1, 'shop/1')),
      ),
    );
    field(resourceLogs, 2, (scopeLogs) => {
      field(scopeLogs, 1, (scope) => text(text(scope, 1, 'lib'), 2, '2'));
      field(scopeLogs, 2, (record) => {
        record.tag(1, WireType.Bit64).fixed64(nanos);
        record.tag(11, WireType.Bit64).fixed64('1700000001000000000');
        record.tag(2, WireType.Varint).int32(17);
        text(record, 3, 'ERROR');
        field(record, 5, (body) => text(body, 1, 'it "failed"\n'));
        field(
          record,
          6,
          attribute('n', (w) => w.tag(3, WireType.Varint).int64('9223372036854775807')),
        );
        field(
          record,
          6,
          attribute('list', (w) =>
            field(w, 5, (list) => {
              field(list, 1, (item) => item.tag(2, WireType.Varint).bool(true));
              field(list, 1, (item) => item.tag(4, WireType.Bit64).double(0.5));
            }),
          ),
        );
        if (depth > 0)
          field(
            record,
            6,
            attribute('deep', (w) => deep(w, depth)),
          );
        record.tag(9, WireType.LengthDelimited).bytes(Buffer.from(trace, 'hex'));
        record.tag(10, WireType.LengthDelimited).bytes(Buffer.from('0123456789abcdef', 'hex'));
        text(record, 999, 'what is not known');
      });
    });
  });
  return writer.finish();
}

test('Protocol Buffers and JSON of the same logs are the same line, exact to the nanosecond and the last digit', () => {
  for (const logs of [request, decodeLogs(encoded())]) {
    const { tags, events, rejected } = logLines(logs, `otlp.\${service.name}`, 10_000);
    assert.deepEqual([...tags], [['otlp.shop_1', [line]]]);
    assert.deepEqual([events, rejected], [1, 0]);
  }
});

test('values of every type, times that are not known, ids that are none', () => {
  const one = (record: object) =>
    logLines({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }, 't', 10_000).tags.get('t');
  const body = (value: AnyValue) => one({ body: value });
  assert.deepEqual(one({}), ['{}\n']);
  assert.deepEqual(one({ timeUnixNano: '0', traceId: '0'.repeat(32), spanId: 'abc' }), ['{}\n']);
  assert.deepEqual(one({ observedTimeUnixNano: 1_000_000_000 }), [
    '{"@time":"1970-01-01T00:00:01.000000000Z"}\n',
  ]);
  assert.deepEqual(one({ severityText: 'WARN' }), ['{"level":"WARN"}\n']);
  assert.deepEqual(body({ doubleValue: 'NaN' }), ['{"body":"NaN"}\n']);
  assert.deepEqual(body({ bytesValue: 'AAE=' }), ['{"body":"AAE="}\n']);
  assert.deepEqual(body({ kvlistValue: { values: [{ key: 'a' }, { key: 'b', value: { intValue: 2 } }] } }), [
    '{"body":{"a":null,"b":2}}\n',
  ]);
});

test('records that are too deep or too long are rejected alone', () => {
  const logs = decodeLogs(encoded(100));
  const deep = logLines(logs, 't', 10_000);
  assert.deepEqual([deep.events, deep.rejected], [0, 1]);
  assert.match(deep.why, /deeper/);
  const record = (size: number) => ({ body: { stringValue: 'x'.repeat(size) } });
  const long = logLines(
    { resourceLogs: [{ scopeLogs: [{ logRecords: [record(1), record(2000), record(2)] }] }] },
    't',
    1000,
  );
  assert.deepEqual([long.events, long.rejected], [2, 1]);
});

test('whatever bytes come are logs or an error, soon', () => {
  const good = Buffer.from(encoded());
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
      const bytes = cut ? good.subarray(0, at) : Buffer.from(good.with(at, byte));
      try {
        logLines(decodeLogs(bytes), 't', 10_000);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 2000 },
  );
});

test('logs come by HTTP, are answered as the protocol has it, and refused with a status that says whether to come again', async (t) => {
  const world = await InputCase.open(t, [
    ...['@type opentelemetry', `tag otlp.\${service.name}`, 'body_size_limit 20k', 'event_size_limit 1k'],
    ...['<http>', 'port PORT', '</http>'],
  ]);
  await world.start();
  const post = async (
    body: string | Uint8Array,
    type: string,
    headers: Record<string, string> = {},
    path = '/v1/logs',
  ) => {
    const all = { 'content-type': type, ...headers };
    const answer = await fetch(`http://127.0.0.1:${world.port}${path}`, {
      method: 'POST',
      body: Buffer.from(body as string),
      headers: all,
    });
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      body: Buffer.from(await answer.arrayBuffer()),
    };
  };
  const [protobuf, json] = ['application/x-protobuf', 'application/json'];
  const gzip = { 'content-encoding': 'gzip' };
  assert.deepEqual(await post(encoded(), protobuf), { status: 200, type: protobuf, body: Buffer.alloc(0) });
  assert.equal((await post(gzipSync(encoded()), protobuf, gzip)).status, 200);
  assert.deepEqual(await post(JSON.stringify(request), json), {
    status: 200,
    type: json,
    body: Buffer.from('{}'),
  });
  const partial = await post(encoded(30), protobuf);
  assert.equal(partial.status, 200);
  assert.deepEqual([...partial.body.subarray(0, 1), partial.body[2], partial.body[3]], [0x0a, 0x08, 1]);
  const long = await post(JSON.stringify(request).replace('it ', 'x'.repeat(2000)), json);
  assert.match(long.body.toString(), /"rejectedLogRecords":"1"/);
  assert.equal((await post('{"resourceLogs":3}', json)).status, 400);
  assert.equal((await post(encoded().subarray(0, 30), protobuf)).status, 400);
  assert.equal((await post(gzipSync(Buffer.alloc(50_000)), protobuf, gzip)).status, 413);
  assert.equal((await post('{}', 'text/plain')).status, 415);
  assert.equal((await post('{}', json, {}, '/v1/traces')).status, 404);
  await world.agent.kill();
  await world.start();
  await world.stop();
  assert.deepEqual(world.texts(), [line, line, line]);
  assert.equal(new Set(world.records()).size, 1);
});
