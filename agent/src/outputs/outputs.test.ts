import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { RecordOutcome, StreamClient, StreamRecord } from '../ship/stream-client.ts';
import { createConfigShop } from '../testing/run-config.ts';

const access =
  '10.0.0.1 - bob [22/Nov/2026:10:11:12 +0000] "GET /a?b=\\"c\\" HTTP/1.1" 200 42 "-" "curl/8"\n';

function source(parse: string): string {
  return `<source>\n@type tail\n@id in\npath DIR/*.log\ntag app.web\nread_from_head true\n<parse>\n${parse}\n</parse>\n</source>\n`;
}

function kinesis(lines: string, type = 'kinesis_streams'): string {
  return `<match **>\n@type ${type}\nstream_name s\nregion r\n${lines}\n</match>`;
}

/** A stream that keeps the records of all calls that it takes. */
class Records implements StreamClient {
  readonly taken: StreamRecord[] = [];
  readonly calls: number[] = [];
  answer: (records: StreamRecord[]) => RecordOutcome[] | Error = (records) =>
    records.map(() => ({ ok: true }));

  async putRecords(records: StreamRecord[]): Promise<RecordOutcome[]> {
    this.calls.push(records.length);
    const answer = this.answer(records);
    if (answer instanceof Error) throw answer;
    this.taken.push(...records.filter((_, i) => answer[i]?.ok));
    return answer;
  }

  close(): void {}

  texts(): string[] {
    return this.taken.map(({ data }) => Buffer.from(data).toString());
  }
}

async function shipped(
  t: TestContext,
  text: string,
  content: string,
  stream = new Records(),
): Promise<Records> {
  const shop = createConfigShop(t);
  writeFileSync(join(shop.dir, 'a.log'), content);
  assert.equal(await shop.start(text, () => stream, true).done, true);
  return stream;
}

test('payload events sends each event as JSON under the names that fluentd gives', async (t) => {
  const stream = await shipped(
    t,
    source('@type nginx') + kinesis('payload events'),
    `${access}no access line\n`,
  );
  assert.deepEqual(
    stream.texts().map((text) => JSON.parse(text)),
    [
      {
        remote: '10.0.0.1',
        host: '-',
        user: 'bob',
        method: 'GET',
        path: '/a?b=\\"c\\"',
        code: '200',
        size: '42',
        agent: 'curl/8',
      },
      { message: 'no access line' },
    ],
  );
  assert.ok(stream.texts().every((text) => text.endsWith('\n')));
});

test('inject, format, data_key, compression, chomp_record and partition_key are honoured', async (t) => {
  const line = '{"time":"2026-11-22T10:11:12.5Z","id":12345678901234567890,"k":"key","m":"a\\tb"}\n';
  const json = source('@type json\ntime_type string');
  const cases: [lines: string, want: string, read?: (data: Buffer) => Buffer][] = [
    [
      '<inject>\ntime_key at\ntag_key t\nhostname_key h\n</inject>',
      '{"id":12345678901234567890,"k":"key","m":"a\\tb","h":"web-1","t":"app.web","at":"2026-11-22T10:11:12.500000000+0000"}\n',
    ],
    ['chomp_record true', '{"id":12345678901234567890,"k":"key","m":"a\\tb"}'],
    ['data_key m', 'a\tb\n'],
    ['data_key absent\nchomp_record true', '{"id":12345678901234567890,"k":"key","m":"a\\tb"}'],
    ['data_key k\ncompression gzip', 'key\n', (data) => gunzipSync(data)],
    ['data_key k\ncompression zlib', 'key\n', (data) => inflateSync(data)],
    ['<format>\n@type ltsv\n</format>', 'id:12345678901234567890\tk:key\tm:a b\n'],
    ['<format>\n@type csv\nfields k,m,none\n</format>', '"key","a\tb",""\n'],
    ['<format>\n@type single_value\nmessage_key k\nadd_newline false\n</format>', 'key'],
    ['<format>\n@type original\n</format>', line],
    [
      '<format>\n@type out_file\n</format>',
      '2026-11-22T10:11:12.5Z\tapp.web\t{"id":12345678901234567890,"k":"key","m":"a\\tb"}\n',
    ],
  ];
  for (const [lines, want, read = (data: Buffer) => data] of cases) {
    const stream = await shipped(t, json + kinesis(`payload events\npartition_key k\n${lines}`), line);
    assert.deepEqual(
      stream.taken.map(({ data }) => read(Buffer.from(data)).toString()),
      [want],
      lines,
    );
    assert.equal(stream.taken[0]?.partitionKey, 'key');
  }
});

test('only refused events are sent again, whatever fails, and one over the limit is left out alone', async (t) => {
  const stream = new Records();
  let call = 0;
  stream.answer = (records) => {
    call++;
    if (call === 2) return new Error('socket hang up');
    return records.map((_, i) =>
      call === 1 && i % 3 === 0
        ? { ok: false, code: 'ProvisionedThroughputExceededException', message: 'slow down' }
        : { ok: true },
    );
  };
  const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i}`);
  const content = [...lines, 'x'.repeat(5_000), 'last'].map((line) => `${line}\n`).join('');
  const buffer = '<buffer>\nretry_wait 0.01s\n</buffer>';
  await shipped(
    t,
    source('@type none') + kinesis(`payload events\nmax_record_size 4k\n${buffer}`),
    content,
    stream,
  );
  const got = stream.texts().map((text) => (JSON.parse(text) as { message: string }).message);
  assert.deepEqual(got.toSorted(), [...lines, 'last'].toSorted());
  assert.ok(stream.calls.every((count) => count <= 500));
});

test('aggregated records have the form that the Kinesis Producer Library gives them', async (t) => {
  const content = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('');
  const type = 'kinesis_streams_aggregated';
  const stream = await shipped(
    t,
    source('@type none') + kinesis('fixed_partition_key fixed\ndata_key message\nchomp_record true', type),
    content,
  );
  const [record, ...others] = stream.taken;
  assert.ok(record);
  assert.deepEqual(others, []);
  const bytes = Buffer.from(record.data);
  assert.equal(bytes.subarray(0, 4).toString('hex'), 'f3899ac2');
  const message = bytes.subarray(4, -16);
  assert.deepEqual(createHash('md5').update(message).digest(), bytes.subarray(-16));
  assert.equal(record.partitionKey, 'fixed');
  // 1: partition key table; 3: records { 1: 0; 3: data }
  assert.equal(message.subarray(0, 7).toString('latin1'), '\x0a\x05fixed');
  assert.equal(message.subarray(7, 19).toString('latin1'), '\x1a\x0a\x08\x00\x1a\x06line 0');
  assert.equal(message.toString('latin1').split('\x08\x00\x1a').length - 1, 100);
});

test('a delivery stream of Firehose gets events with one line break each, refused ones again', async (t) => {
  const got: string[] = [];
  let calls = 0;
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      DeliveryStreamName: string;
      Records: { Data: string }[];
    };
    assert.equal(body.DeliveryStreamName, 'd');
    const first = calls++ === 0;
    const responses = body.Records.map(({ Data }, i) => {
      if (first && i === 0) return { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'slow' };
      got.push(Buffer.from(Data, 'base64').toString());
      return { RecordId: 'x' };
    });
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ FailedPutCount: first ? 1 : 0, RequestResponses: responses }));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const lines = `delivery_stream_name d\nregion r\nendpoint http://127.0.0.1:${port}\naws_key_id x\naws_sec_key y`;
  await shipped(
    t,
    `${source('@type none')}<match **>\n@type kinesis_firehose\n${lines}\ndata_key message\n<buffer>\nretry_wait 0.01s\n</buffer>\n</match>`,
    'one\ntwo\n',
  );
  assert.deepEqual(got.toSorted(), ['one\n', 'two\n']);
});

test('files take events by time and tag, and null takes none', async (t) => {
  const shop = createConfigShop(t);
  writeFileSync(join(shop.dir, 'a.log'), access);
  const path =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: fluentd's placeholders
    'path DIR/out/${tag[1]}/${hostname}\n<format>\n@type single_value\nmessage_key path\n</format>';
  const copy = `<match **>\n@type copy\n<store>\n@type file\n${path}\n</store>\n<store>\n@type null\n</store>\n<store>\n@type file\npath DIR/zipped/%Y\ncompress gzip\n</store>\n</match>`;
  assert.equal(await shop.start(source('@type nginx') + copy, () => new Records(), true).done, true);
  assert.equal(readFileSync(join(shop.dir, 'out/web/web-1.20261122.log'), 'utf8'), '/a?b=\\"c\\"\n');
  const [zipped = ''] = readdirSync(join(shop.dir, 'zipped'));
  assert.equal(zipped, '2026.log');
  const text = gunzipSync(readFileSync(join(shop.dir, 'zipped', zipped))).toString();
  assert.match(text, /^2026-11-22T10:11:12Z\tapp\.web\t\{"remote":"10\.0\.0\.1"/);
});
