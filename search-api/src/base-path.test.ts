import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutBase } from './base-path.ts';
import { createTestServer, testHttp } from './testing/test-server.ts';

test('a base path is taken off where a proxy left it on', () => {
  const rewritten = (url: string) => withoutBase('/logs')({ url });
  for (const [url, expected] of [
    ['/logs/api/v1/search?q=/logs/', '/api/v1/search?q=/logs/'],
    ['/api/v1/search', '/api/v1/search'],
    ['/logs', '/logs'],
    ['/logs/', '/'],
    ['/logs/logs/x', '/logs/x'],
    ['/logsx/y', '/logsx/y'],
  ] as const)
    assert.equal(rewritten(url), expected);
  assert.equal(withoutBase('')({ url: '/logs/x' }), '/logs/x');
});

test('a server below a path answers with the path and without it, and leads to its folder', async () => {
  const { get, asker } = await createTestServer([], { http: { ...testHttp, base_path: '/logs' } });
  for (const url of ['/logs/api/v1/search', '/api/v1/search', '/logs/healthz', '/healthz'])
    assert.equal((await get(url)).status, 200, url);
  const folder = await get('/logs');
  assert.equal(folder.status, 308);
  assert.equal(folder.headers.location, '/logs/');
  assert.equal((await get('/logs?q=a%20b')).headers.location, '/logs/?q=a%20b', 'a link keeps what it shows');
  for (const url of [
    '/logs/logs/api/v1/search',
    '/log/api/v1/search',
    '/logs/../api/v1/search/x',
    '/LOGS/healthz',
  ])
    assert.equal((await get(url)).status, 404, url);
  // What a route needs does not depend on how its path is written.
  asker.access = { ...asker.access, scopes: new Set() };
  for (const url of [
    '/logs/api/v1/search',
    '/api/v1/search',
    '/logs/api/v1/%73earch',
    '/api/v1/search?x#/healthz',
  ])
    assert.equal((await get(url)).status, 403, url);
});

test('a forwarded name or address counts from trusted proxies only', async () => {
  const status = async (trusted: string[], headers: Record<string, string>) => {
    const { api } = await createTestServer([], { http: { ...testHttp, trusted_proxies: trusted } });
    return (await api.inject({ url: '/healthz', headers: { host: 'localhost', ...headers } })).statusCode;
  };
  const forwarded = { 'x-forwarded-host': 'evil.example' };
  assert.equal(await status([], forwarded), 200);
  assert.equal(await status(['127.0.0.1'], forwarded), 403);
  assert.equal(await status(['10.0.0.0/8'], forwarded), 200);
  assert.equal(await status([], { host: 'evil.example', 'x-forwarded-host': 'localhost' }), 403);
});
