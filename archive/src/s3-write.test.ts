import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createS3 } from './s3.ts';

test('archive objects carry class, tags and key; what else is written carries the key alone', async (t) => {
  const seen: { url: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    request.resume();
    response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  t.mock.property(process, 'env', {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  });
  const store = createS3({
    bucket: 'b',
    region: 'r',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    prefix: 'team/',
    request_timeout_ms: 5_000,
    storage_class: 'GLACIER_IR',
    sse_kms_key_id: 'alias/logs',
    tags: { team: 'ads & co', cost: '7' },
  });
  t.after(() => store.close());
  await store.put('team/archive/logs/x.zst', Buffer.from('x'));
  await store.createUpload('team/archive/logs/y.zst');
  await store.put('team/manifests/logs/x.mrm', Buffer.from('x'));
  const sent = seen.map(({ headers }) => ({
    class: headers['x-amz-storage-class'],
    tags: headers['x-amz-tagging'],
    sse: headers['x-amz-server-side-encryption'],
    key: headers['x-amz-server-side-encryption-aws-kms-key-id'],
  }));
  const kept = { class: 'GLACIER_IR', tags: 'team=ads+%26+co&cost=7', sse: 'aws:kms', key: 'alias/logs' };
  assert.deepEqual(sent, [kept, kept, { ...kept, class: undefined, tags: undefined }]);
});
