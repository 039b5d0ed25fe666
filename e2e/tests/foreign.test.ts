import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { readArchive } from '../harness/archive.ts';
import { pythonWith } from '../harness/clients.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { clientOptions, endpoint, eventually, healthy, stackUnderTest } from '../harness/stack.ts';
import { killVictim } from '../harness/victims.ts';

const stack = stackUnderTest();
const token = `foreign${process.pid}`;
const kinesis = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });

async function put(key: string, ...records: Buffer[]): Promise<void> {
  const answer = await kinesis.send(
    new PutRecordsCommand({
      StreamName: 'millrace',
      // The KCL leaves out what an aggregate holds for other shards: its key is that of the records in it.
      Records: records.map((Data) => ({ Data, PartitionKey: key })),
    }),
  );
  assert.equal(answer.FailedRecordCount ?? 0, 0);
}

/** Texts as one aggregated record, made by AWS's own library. */
async function aggregated(texts: string[]): Promise<Buffer> {
  const python = await pythonWith('aws_kinesis_agg==1.2.3 six==1.17.0');
  const script = [
    'import base64, json, sys',
    'from aws_kinesis_agg.aggregator import RecordAggregator',
    'aggregator = RecordAggregator()',
    'for text in json.loads(sys.argv[1]): aggregator.add_user_record("p", text.encode())',
    'sys.stdout.write(base64.b64encode(aggregator.clear_and_get().get_contents()[2]).decode())',
  ];
  const { stdout } = await promisify(execFile)(python, ['-c', script.join('\n'), JSON.stringify(texts)]);
  return Buffer.from(stdout, 'base64');
}

function envelope(group: string, texts: string[]): Buffer {
  return gzipSync(
    JSON.stringify({
      messageType: 'DATA_MESSAGE',
      owner: '123456789012',
      logGroup: group,
      logStream: 's',
      subscriptionFilters: ['f'],
      logEvents: texts.map((message, i) => ({ id: String(i), timestamp: Date.now(), message })),
    }),
  );
}

/** One of each kind, and the messages that they stand for. */
async function sendAll(round: string): Promise<string[]> {
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${token} ${round} ${kind} ${i}`);
  const [plain, json, ndjson, zstd, cloudwatch, kpl] = [
    names('plain', 2),
    names('json', 1),
    names('ndjson', 300),
    names('zstd', 40),
    names('cloudwatch', 3),
    names('kpl', 25),
  ];
  const object = (msg: string) => JSON.stringify({ time: new Date().toISOString(), msg, n: 7 });
  await put(
    randomBytes(8).toString('hex'),
    Buffer.from(`${plain[0]}\n${plain[1]}`),
    Buffer.from(object(json[0] ?? '')),
    gzipSync(ndjson.map((msg) => `${object(msg)}\n`).join('')),
    zstdCompressSync(zstd.join('\n')),
    envelope(`/e2e/${token}/${round}`, cloudwatch),
  );
  await put('p', await aggregated(kpl.map((text, i) => (i % 2 === 0 ? text : object(text)))));
  return [...plain, ...json, ...ndjson, ...zstd, ...cloudwatch, ...kpl];
}

test('records of other producers are in search and in the archive once, also after kill -9 and redelivery', async (t) => {
  t.after(() => kinesis.destroy());
  const expected = await sendAll('first');
  await countReaches(stack, token, expected.length, 120);
  // What was indexed and is in no object yet is delivered again to the process that comes after.
  for (const [round, victim] of [
    ['second', 'child'],
    ['third', 'consumer'],
  ] as const) {
    expected.push(...(await sendAll(round)));
    await delay(1_000);
    await killVictim(stack, victim);
    await delay(3_000);
    await healthy(stack);
  }
  await countReaches(stack, token, expected.length, 240);
  await delay(5_000); // a duplicate would come now
  await assertExactlyOnce(stack, token, expected);
  const foreign = (path: string) =>
    path.startsWith('kinesis://millrace/') || path.startsWith(`/e2e/${token}/`);
  const messages = await eventually('every foreign record is archived', 60, async () => {
    const files = await readArchive(stack, foreign);
    const found = files.flatMap(({ bytes }) => bytes.toString().split('\n')).flatMap(messageIn);
    return found.length >= expected.length ? found : undefined;
  });
  assert.deepEqual(messages.toSorted(), expected.toSorted());
});

function messageIn(line: string): string[] {
  if (!line.includes(token)) return [];
  if (!line.startsWith('{')) return [line];
  const value = JSON.parse(line) as { msg?: string; message?: string };
  return [value.msg ?? value.message ?? ''];
}
