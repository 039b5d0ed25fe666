import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { encodeBatch } from '../../consumer/src/set-aside/batch-file.ts';
import { listKeys } from '../harness/archive.ts';
import { blockOfLines, putRecords } from '../harness/records.ts';
import { countReaches } from '../harness/search.ts';
import { clientOptions, endpoint, eventually, millrace, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const data = ['--data', stack.dataDir];

interface Row {
  id: string;
  kind: string;
  object: string;
}

async function listed(...more: string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await millrace('set-aside', 'ls', '--json', ...more, ...data);
  assert.equal(code, 0, stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

test('a flood of corrupt blocks is set aside in a few objects, each shown with its bytes, while lines go on', async () => {
  const token = `aside${process.pid}`;
  const good = blockOfLines('aside', [`${token} good`], Date.now());
  const corrupt = Array.from({ length: 1500 }, (_, i) => {
    const bytes = blockOfLines('aside', [`${token} ${i}`], Date.now());
    bytes[30] = (bytes[30] ?? 0) ^ 0xff;
    return bytes;
  });
  await putRecords(stack, [...corrupt, good]);
  await countReaches(stack, token, 1, 60);
  const rows = await eventually('all are listed', 60, async () => {
    const found = await listed('--reason', 'corrupt');
    return found.length >= corrupt.length ? found : undefined;
  });
  assert.equal(rows.length, corrupt.length);
  const objects = await listKeys(stack, 'set-aside/');
  assert.ok(objects.length < 40, `${objects.length} objects for ${corrupt.length} records`);
  const shown = await millrace('set-aside', 'show', rows[0]?.id ?? '', ...data);
  const hex = shown.stdout
    .split('\n')
    .map((line) => line.slice(10, 58).replaceAll(' ', ''))
    .join('');
  assert.ok(
    corrupt.some((bytes) => bytes.toString('hex') === hex),
    `original bytes: ${shown.stdout.slice(0, 200)}${shown.stderr}`,
  );
});

test('records that a fixed version can use are archived and indexed by redrive, and no longer listed', async () => {
  const token = `redrive${process.pid}`;
  const lines = Array.from({ length: 5 }, (_, i) => `${token} line ${i}`);
  const block = blockOfLines('aside', lines, Date.now());
  const corrupt = blockOfLines('aside', [token], Date.now());
  corrupt[30] = (corrupt[30] ?? 0) ^ 0xff;
  const shared = { code: 'INTERNAL', message: 'a fault of an older version', stream: 'millrace' };
  const records = [block, corrupt].map((bytes, i) => ({
    ...shared,
    reason: 'failed',
    shard: 'shardId-000000000000',
    sequence_number: String(1000 + i),
    sub_sequence_number: 0,
    partition_key: 'k',
    arrival_ms: Date.now(),
    offset: i * block.length,
    bytes: bytes.length,
  }));
  const body = encodeBatch(records, [block, corrupt]);
  const hour = new Date().toISOString().slice(0, 13).replaceAll('-', '/').replace('T', '/');
  const Key = `set-aside/millrace/${hour}/shardId-000000000000/1000-00000000.zst`;
  const s3 = new S3Client({ ...clientOptions, endpoint: endpoint(stack, 's3'), forcePathStyle: true });
  await s3.send(new PutObjectCommand({ Bucket: 'millrace', Key, Body: body }));
  s3.destroy();
  assert.equal((await listed('--reason', 'failed')).length, 2);
  const { code, stdout, stderr } = await millrace('set-aside', 'redrive', '--reason', 'failed', ...data);
  assert.equal(code, 1, `one stays: ${stdout}${stderr}`);
  await countReaches(stack, token, lines.length, 30);
  assert.deepEqual(
    (await listed('--reason', 'failed')).map(({ id }) => id),
    [`${Key}:1`],
  );
});
