import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { putObject, testBlock } from '@millrace/archive/testing/objects.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { ConsumerConfigSchema } from '../config.ts';
import { consumerEvents } from '../events.ts';
import { restoreFiles } from './archive-restore.ts';

/** As much of S3 as a reader asks for. */
async function startS3(t: TestContext, store: ReturnType<typeof fakeObjectStore>): Promise<string> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://s3');
    const prefix = url.searchParams.get('prefix') ?? '';
    const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    let body: Buffer | string = '';
    if (url.searchParams.has('delimiter')) {
      const folders = await store.folders(prefix);
      body = `<CommonPrefixes><Prefix>${folders.join('</Prefix></CommonPrefixes><CommonPrefixes><Prefix>')}</Prefix></CommonPrefixes>`;
      if (folders.length === 0) body = '';
    } else if (url.searchParams.has('list-type')) {
      const { objects } = await store.list(prefix, url.searchParams.get('start-after') ?? undefined);
      body = objects
        .map(({ key, bytes }) => `<Contents><Key>${key}</Key><Size>${bytes}</Size></Contents>`)
        .join('');
    } else {
      const key = decodeURIComponent(url.pathname.replace('/b/', ''));
      response.statusCode = 206;
      return response.end(await store.read(key, Number(from), Number(to) + 1));
    }
    return response.end(`<?xml version="1.0"?><ListBucketResult>${body}</ListBucketResult>`);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('what is in objects that know the file by its rotated name alone is restored too', async (t) => {
  const store = fakeObjectStore();
  putObject(store, [testBlock([{ from: 0, text: 'one\n', path: '/var/log/a.log' }])]);
  putObject(store, [testBlock([{ from: 4, text: 'two\n', path: '/var/log/a.log.1' }])]);
  const out = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
  t.after(() => rmSync(out, { recursive: true }));
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' });
  const endpoint = await startS3(t, store);
  const config = validateConfig(
    ConsumerConfigSchema,
    {
      stream: { name: 'kinesis', region: 'r' },
      archive: { bucket: 'b', region: 'r', endpoint },
      store: { type: 'opensearch', node: 'http://127.0.0.1:9200' },
      http: { port: 0 },
      java: { bin: 'java', jars: '.' },
      state_dir: '.',
    },
    'test',
  );
  const log = createLogger('test', 'silent');
  let told = '';
  const code = await restoreFiles(
    ['--host', 'web-1', '--file', '/var/log/a.log', '--out', join(out, 'a.log')],
    {
      config,
      clock: systemClock,
      stdout: async () => {},
      stderr: (text) => {
        told += text;
      },
      tty: false,
      signal: new AbortController().signal,
      log,
      telemetry: createTelemetry('consumer', consumerEvents, log),
    },
  );
  assert.equal(code, 0, told);
  assert.equal(readFileSync(join(out, 'a.log'), 'utf8'), 'one\ntwo\n');
});
