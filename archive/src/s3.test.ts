import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { BucketConfigSchema } from './config.ts';
import { createS3 } from './s3.ts';

test('an S3 that never answers, or stalls in the middle of an object, is unavailable', async (t) => {
  const server = createServer((request, response) => {
    if (request.method !== 'GET') return;
    response.writeHead(206, { 'content-length': '100' });
    response.write('half');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const credentials = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
  const before = Object.keys(credentials).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, credentials);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const { port } = server.address() as AddressInfo;
  const config = validateConfig(
    BucketConfigSchema,
    { bucket: 'b', region: 'r', endpoint: `http://127.0.0.1:${port}`, request_timeout_ms: 150 },
    'test',
  );
  const store = createS3(config);
  t.after(() => store.close());
  await assert.rejects(store.put('key', Buffer.from('x')), { code: 'ARCHIVE_UNAVAILABLE' });
  await assert.rejects(store.read('key', 0, 100), { code: 'ARCHIVE_UNAVAILABLE' });
});
