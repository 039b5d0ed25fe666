import assert from 'node:assert/strict';
import { get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MillraceError } from '@millrace/core/errors.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';

const documents = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    fakeDocument(new Date(Date.UTC(2026, 10, 22, 10) + i * 1000).toISOString(), '/a', i, `line ${i}`),
  );

async function listen(t: TestContext, server: TestServer): Promise<number> {
  await server.api.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.api.close());
  return (server.api.server.address() as AddressInfo).port;
}

interface Answer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  trailers: NodeJS.Dict<string>;
  body: Buffer;
  /** The connection was broken off. */
  broken: boolean;
}

function fetchFile(port: number, parameters: Record<string, string>): Promise<Answer> {
  const path = `/api/v1/export?${new URLSearchParams({ from: '*', ...parameters })}`;
  return new Promise((resolve, reject) => {
    const request = httpGet({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const parts: Buffer[] = [];
      const done = (broken: boolean) =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          trailers: response.trailers,
          body: Buffer.concat(parts),
          broken,
        });
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => done(false));
      response.on('error', () => done(true));
    });
    request.on('error', reject);
  });
}

test('a CSV file has a header, its name, and trailers that say that it is whole', async (t) => {
  const port = await listen(t, await createTestServer(documents(3)));
  const { headers, trailers, body } = await fetchFile(port, { sort: 'asc' });
  assert.equal(headers['content-disposition'], 'attachment; filename="millrace-20261122T103000Z.csv"');
  assert.equal(
    body.toString(),
    [
      '@timestamp,level,host,tag,file,message',
      '2026-11-22T10:00:00.000Z,,web-1,app,/a,line 0',
      '2026-11-22T10:00:01.000Z,,web-1,app,/a,line 1',
      '2026-11-22T10:00:02.000Z,,web-1,app,/a,line 2',
      '',
    ].join('\r\n'),
  );
  assert.deepEqual(
    { ...trailers },
    { 'x-millrace-rows': '3', 'x-millrace-complete': 'true', 'x-millrace-partial': '' },
  );
});

test('NDJSON has the hits of a search, or the named members of them', async (t) => {
  const server = await createTestServer(documents(2));
  const port = await listen(t, server);
  const hits = (await server.get('/api/v1/search?from=*&sort=asc')).body.hits;
  const lines = (body: Buffer) =>
    body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  assert.deepEqual(lines((await fetchFile(port, { format: 'ndjson', sort: 'asc' })).body), hits);
  const { body } = await fetchFile(port, {
    format: 'ndjson',
    sort: 'asc',
    fields: 'host,message',
    limit: '1',
  });
  assert.deepEqual(lines(body), [{ host: 'web-1', message: 'line 0' }]);
});

test('integers beyond 2^53 are exact in every format, in hits too', async (t) => {
  const [document] = documents(1);
  assert.ok(document);
  document.source.fields = {
    user: { ids: [9007199254740993n, -9007199254740995n] },
    n: 18446744073709551617n,
  };
  const server = await createTestServer([document]);
  const port = await listen(t, server);
  const text = async (parameters: Record<string, string>) =>
    (await fetchFile(port, parameters)).body.toString();
  const ids = '{"ids":[9007199254740993,-9007199254740995]}';
  assert.ok((await text({ format: 'ndjson' })).includes(`"fields":{"user":${ids},"n":18446744073709551617}`));
  assert.equal(
    await text({ format: 'ndjson', fields: 'n,user' }),
    `{"n":18446744073709551617,"user":${ids}}\n`,
  );
  assert.equal(
    await text({ fields: 'n,fields.user' }),
    `n,fields.user\r\n18446744073709551617,"${ids.replaceAll('"', '""')}"\r\n`,
  );
  for (const query of ['', '&fields=fields.user', '&q=*%20|%20dedup%20n']) {
    const { body } = await server.api.inject(`/api/v1/search?from=*${query}`);
    assert.ok(body.includes(`"user":${ids}`), body);
  }
});

test('sort=none has the same events as the store has them, and as many as were asked for', async (t) => {
  const server = await createTestServer(documents(2500));
  const port = await listen(t, server);
  const none = await fetchFile(port, { sort: 'none', fields: 'message' });
  const ordered = await fetchFile(port, { sort: 'asc', fields: 'message' });
  assert.equal(none.body.toString(), ordered.body.toString());
  assert.equal(none.trailers['x-millrace-complete'], 'true');
  const searches = server.store.searches.length;
  const few = await fetchFile(port, { sort: 'none', limit: '1200' });
  assert.deepEqual(
    [few.trailers['x-millrace-rows'], few.trailers['x-millrace-complete'], few.broken],
    ['1200', 'true', false],
  );
  assert.equal(server.store.searches.length, searches);
});

test('gzip=true is a .gz file', async (t) => {
  const port = await listen(t, await createTestServer(documents(2)));
  const { headers, body, trailers } = await fetchFile(port, { gzip: 'true', fields: 'message', sort: 'asc' });
  assert.match(String(headers['content-disposition']), /\.csv\.gz"$/);
  assert.equal(headers['content-encoding'], undefined);
  assert.equal(gunzipSync(body).toString(), 'message\r\nline 0\r\nline 1\r\n');
  assert.equal(trailers['x-millrace-complete'], 'true');
});

test('a limit that was asked for is no shortfall, the one of the configuration is', async (t) => {
  const config = { export: { rows_max: 5, running_max: 4, parallel: 2, time_ms_max: 60_000 } };
  const port = await listen(t, await createTestServer(documents(8), config));
  const asked = await fetchFile(port, { limit: '5' });
  assert.equal(asked.trailers['x-millrace-complete'], 'true');
  assert.equal(asked.trailers['x-millrace-rows'], '5');
  assert.equal((await fetchFile(port, { limit: '6' })).status, 400);

  const ndjson = (await fetchFile(port, { format: 'ndjson' })).body.toString().trimEnd().split('\n');
  assert.equal(ndjson.length, 6);
  assert.deepEqual(JSON.parse(ndjson.at(-1) ?? ''), {
    partial: [{ code: 'rows', message: 'there are more than 5 events' }],
  });
  assert.equal((await fetchFile(port, {})).broken, true);
  const allowed = await fetchFile(port, { allow_partial: 'true' });
  assert.equal(allowed.broken, false);
  assert.deepEqual(
    { ...allowed.trailers },
    { 'x-millrace-rows': '5', 'x-millrace-complete': 'false', 'x-millrace-partial': 'rows' },
  );
});

/** A store that gives one page and then fails. */
async function failingServer() {
  const server = await createTestServer(documents(3000));
  let searches = 0;
  server.store.before = async () => {
    // Two for the bounds, one for the histogram, one for the first page.
    if (++searches > 4) throw new MillraceError('STORE_UNAVAILABLE', 'node 10.0.0.1 is gone');
  };
  return server;
}

test('a failure midway breaks a CSV off and is the last line of NDJSON', async (t) => {
  const csv = await fetchFile(await listen(t, await failingServer()), {});
  assert.equal(csv.broken, true);
  assert.ok(csv.body.length > 0);
  const ndjson = await fetchFile(await listen(t, await failingServer()), { format: 'ndjson' });
  assert.equal(ndjson.broken, false);
  const lines = ndjson.body.toString().trimEnd().split('\n');
  assert.equal(lines.length, 1001);
  assert.equal(JSON.parse(lines.at(-1) ?? '').error.code, 'STORE_UNAVAILABLE');
  assert.equal(ndjson.trailers['x-millrace-complete'], 'false');
  assert.doesNotMatch(ndjson.body.toString(), /10\.0\.0\.1/);
});

test('what fails before the first row is an answer with a status', async () => {
  const server = await createTestServer(documents(1));
  server.store.before = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'down'));
  const { status, body } = await server.get('/api/v1/export');
  assert.equal(status, 503);
  assert.equal(body.error.code, 'STORE_UNAVAILABLE');
  assert.equal((await server.get('/api/v1/export?q=(')).status, 400);
  assert.equal((await server.get('/api/v1/export?fields=a,,b')).status, 400);
});

test('lines that are not as they were written are not exported as such', async (t) => {
  const server = await createTestServer(documents(2));
  const { status, body } = await server.get('/api/v1/export?from=*&format=raw');
  assert.equal(status, 400);
  assert.match(body.error.hint, /allow_partial=true/);
  const port = await listen(t, server);
  const loose = await fetchFile(port, { format: 'raw', allow_partial: 'true', sort: 'asc' });
  assert.equal(loose.body.toString(), 'line 0\nline 1\n');
  assert.equal(loose.trailers['x-millrace-partial'], 'no_archive');
});

test('fields that are hidden from somebody are in none of their files', async (t) => {
  const server = await createTestServer(documents(1));
  server.asker.access = { ...server.asker.access, redact: ['host'] };
  assert.equal((await server.get('/api/v1/export?from=*&fields=host')).status, 403);
  assert.equal((await server.get('/api/v1/export?from=*&format=raw&allow_partial=true')).status, 403);
  const { body } = await fetchFile(await listen(t, server), {});
  assert.doesNotMatch(body.toString(), /web-1/);
});

test('the archive is for who may read it', async () => {
  const server = await createTestServer(documents(1));
  server.asker.access = { ...server.asker.access, scopes: new Set(['export'] as const) };
  assert.equal((await server.get('/api/v1/export?from=*&source=archive')).status, 403);
  assert.equal((await server.get('/api/v1/export?from=*')).status, 200);
});

test('a client that goes away ends the export in the store', { timeout: 20_000 }, async (t) => {
  const server = await createTestServer(documents(9000));
  const port = await listen(t, server);
  let searches = 0;
  const aborted = Promise.withResolvers<void>();
  server.store.before = (signal) =>
    ++searches <= 4
      ? Promise.resolve()
      : new Promise((_, reject) => {
          signal?.addEventListener('abort', () => {
            aborted.resolve();
            reject(new MillraceError('STORE_UNAVAILABLE', 'aborted'));
          });
        });
  const request = httpGet({ host: '127.0.0.1', port, path: '/api/v1/export?from=*' }, (response) => {
    response.once('data', () => request.destroy());
    response.on('error', () => {});
  });
  request.on('error', () => {});
  await aborted.promise;
});

test('clients that go away before their export begins take no place of others', async (t) => {
  const asked: (() => void)[] = [];
  const held = Promise.withResolvers<void>();
  const beside = async () => {
    asked.shift()?.();
    await held.promise;
    return undefined;
  };
  const config = { export: { rows_max: 10, running_max: 1, parallel: 2, time_ms_max: 60_000 } };
  const server = await createTestServer(documents(1), config, undefined, undefined, undefined, { beside });
  const port = await listen(t, server);
  const begun = new Promise<void>((resolve) => asked.push(resolve));
  const request = httpGet({ host: '127.0.0.1', port, path: '/api/v1/export?from=*', agent: false });
  request.on('error', () => {});
  await begun;
  request.destroy();
  // The server learns of it in its own time.
  await new Promise((resolve) => setTimeout(resolve, 100));
  held.resolve();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await server.get('/api/v1/export?from=*')).status, 200);
});

test('one too many is told when to come again', { timeout: 20_000 }, async (t) => {
  const config = { export: { rows_max: 10, running_max: 1, parallel: 2, time_ms_max: 60_000 } };
  const server = await createTestServer(documents(1), config);
  const port = await listen(t, server);
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  server.store.before = () => {
    asked.resolve();
    return held.promise;
  };
  const first = fetchFile(port, {});
  await asked.promise;
  const { status, headers } = await fetchFile(port, {});
  assert.deepEqual([status, headers['retry-after']], [429, '2']);
  held.resolve();
  assert.equal((await first).status, 200);
});

test('days that only the archive has are told, where it is not looked into', async (t) => {
  const server = await createTestServer(documents(1));
  server.store.horizonDates.set('app', '2026.11.20');
  const port = await listen(t, server);
  server.asker.access = { ...server.asker.access, scopes: new Set(['export'] as const) };
  const ask = (parameters: Record<string, string>) => fetchFile(port, { from: 'now-5d', ...parameters });
  const refused = await ask({});
  assert.equal(refused.status, 400);
  assert.match(refused.body.toString(), /before 2026-11-20 are in the archive only, which needs the scope/);
  const loose = await ask({ allow_partial: 'true' });
  assert.deepEqual([loose.status, loose.trailers['x-millrace-partial']], [200, 'no_archive']);
  const lines = (await ask({ format: 'ndjson' })).body.toString().trimEnd().split('\n');
  assert.equal(JSON.parse(lines.at(-1) ?? '').partial[0].code, 'no_archive');
  for (const whole of [await ask({ source: 'hot' }), await ask({ from: '2026-11-21' })])
    assert.deepEqual([whole.status, whole.trailers['x-millrace-complete']], [200, 'true']);
});
