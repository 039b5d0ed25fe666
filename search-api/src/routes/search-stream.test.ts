import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';

const documents = Array.from({ length: 2_500 }, (_, i) =>
  fakeDocument(new Date(Date.UTC(2026, 10, 22, 10, 0, 0, i)).toISOString(), '/a.log', i, `line ${i}`),
);

async function linesOf({ api }: TestServer, url: string) {
  const answer = await api.inject({ method: 'GET', url, headers: { host: 'localhost' } });
  assert.equal(answer.statusCode, 200, answer.body);
  assert.match(String(answer.headers['content-type']), /ndjson/);
  return answer.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('a stream has a line for each hit, newest first, and a last one that says how it ended', async (t) => {
  const server = await createTestServer(documents);
  t.after(() => server.api.close());
  const lines = await linesOf(server, '/api/v1/search/stream?from=*&limit=2000');
  assert.equal(lines.length, 2_001);
  assert.equal(lines[0].hit.message, 'line 2499');
  assert.deepEqual({ ...lines.at(-1).end, took_ms: 0 }, { hits: 2_000, took_ms: 0, partial: [] });
});

test('fields choose what hits have', async (t) => {
  const server = await createTestServer(documents.slice(0, 3));
  t.after(() => server.api.close());
  const [first] = await linesOf(server, '/api/v1/search/stream?from=*&fields=host&sort=asc&limit=1');
  assert.deepEqual(Object.keys(first.hit).sort(), ['@timestamp', 'host', 'id']);
});

test('what fails at once is an answer of its own, what fails later the last line', async (t) => {
  const server = await createTestServer(
    Array.from({ length: 12_000 }, (_, i) => fakeDocument('2026-11-22T10:00:00Z', '/b.log', i, 'x')),
  );
  t.after(() => server.api.close());
  let asked = 0;
  server.store.before = async () => {
    if (asked++ > 0) throw new MillraceError('STORE_UNAVAILABLE', 'down');
  };
  const lines = await linesOf(server, '/api/v1/search/stream?from=*&limit=10000');
  assert.equal(lines.length, 1_001);
  assert.equal(lines.at(-1).error.code, 'STORE_UNAVAILABLE');
  assert.equal((await server.get('/api/v1/search/stream?from=*')).status, 503);
});

test('a client that goes away ends the search in the store', async (t) => {
  const { api, store } = await createTestServer(documents);
  t.after(() => api.close());
  const [asked, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.before = (signal) =>
    new Promise((_, reject) => {
      asked.resolve();
      signal?.addEventListener('abort', () => {
        aborted.resolve();
        reject(new Error('aborted'));
      });
    });
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  const leaving = new AbortController();
  const answer = fetch(`${url}/api/v1/search/stream?from=*`, { signal: leaving.signal });
  await asked.promise;
  leaving.abort();
  await assert.rejects(answer);
  await aborted.promise;
});

test('the archive is for who may read it, and for servers that know it', async (t) => {
  const { api, get, asker } = await createTestServer(documents.slice(0, 3));
  t.after(() => api.close());
  const unknown = await get('/api/v1/search?from=*&source=archive');
  assert.deepEqual([unknown.status, unknown.body.error.code], [400, 'QUERY_INVALID']);
  asker.access = { ...asker.access, scopes: new Set(['search'] as const) };
  const refused = await get('/api/v1/search/stream?from=*&source=archive');
  assert.equal(refused.status, 403);
  assert.equal((await get('/api/v1/search?from=*&source=auto')).status, 200);
});

test('days that only the archive has are told, where it is not looked into', async (t) => {
  const unmarked = { read: async () => new Map() };
  for (const [scopes, more, codes] of [
    [['search', 'archive'], { unmarked }, []],
    [['search'], { unmarked }, ['no_archive']],
    [['search', 'archive'], {}, ['no_archive']],
  ] as const) {
    const server = await createTestServer([], {}, undefined, undefined, undefined, more);
    t.after(() => server.api.close());
    server.store.horizonDates.set('app', '2026.11.20');
    server.asker.access = { ...server.asker.access, scopes: new Set(scopes) };
    for (const what of ['q=x&source=auto', 'q=x%20%7C%20count&source=auto', 'q=x&source=hot']) {
      const lines = await linesOf(server, `/api/v1/search/stream?from=now-5d&${what}`);
      const { partial } = lines.at(-1).end;
      const expected = what.endsWith('hot') ? [] : codes;
      assert.deepEqual(
        partial.map(({ code }: { code: string }) => code),
        expected,
      );
    }
  }
});
