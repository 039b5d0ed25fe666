import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { memoryObjects } from '@millrace/core/testing/memory-objects.ts';
import { createTestServer, testHttp } from '../testing/test-server.ts';
import { AccessConfigSchema } from './config.ts';
import { createGate } from './create.ts';
import { makeKey } from './key.ts';

const admin = makeKey('root', systemClock);

async function closedServer(http: Partial<typeof testHttp> = {}) {
  const keys = [{ id: 'root', sha256: admin.sha256, scopes: ['search', 'admin', 'save'] }];
  const access = validateConfig(AccessConfigSchema, { keys }, 'test');
  const gate = createGate({ http: testHttp, access }, memoryObjects(), systemClock);
  return await createTestServer([], { http: { ...testHttp, ...http } }, undefined, undefined, undefined, {
    gate,
  });
}

test('no way of writing an address leads past the key', { timeout: 20_000 }, async (t) => {
  const { api, store } = await closedServer({ base_path: '/logs' });
  t.after(() => api.close());
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const targets = [
    '/logs/api/v1/search',
    '/api/v1/search/',
    '//api/v1/search',
    '/logs//api/v1/search',
    '/logs/../api/v1/search',
    '/logs/./api/v1/search',
    '/logs/%2e%2e/api/v1/search',
    '/healthz/../api/v1/search',
    '/docs/..%2fapi/v1/search',
    '/api/v1/me/../search',
    '/api%2fv1%2fsearch',
    '/api/v1/search;/healthz',
    '/api/v1/search%00/healthz',
    '/API/V1/SEARCH',
    'http://localhost/api/v1/search',
    'http://evil.example/logs/api/v1/search',
    '/logs/api/v1/search?access_token=x',
  ];
  for (const target of targets) {
    const status = await statusOf(
      port,
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    assert.ok([400, 401, 403, 404, 414].includes(status), `${target}: ${status}`);
  }
  assert.equal(store.searches.length, 0);
});

test('a host name is what the server is really called by', { timeout: 20_000 }, async (t) => {
  const { api } = await createTestServer();
  t.after(() => api.close());
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const ask = (headers: string, target = '/healthz') =>
    statusOf(port, `GET ${target} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
  assert.equal(await ask('Host: localhost'), 200);
  for (const headers of [
    'Host: evil.example',
    'Host: evil.example\r\nX-Forwarded-Host: localhost',
    'Host: evil.example\r\nForwarded: host=localhost',
    'Host: localhost.evil.example',
    'Host: localhost@evil.example',
    'Host: evil.example\r\nHost: localhost',
    'Host:',
    'X-Host: localhost',
    'Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked',
  ])
    assert.ok((await ask(headers)) >= 400, headers);
});

test('a page elsewhere opens no WebSocket and changes nothing, where everybody may everything', async () => {
  const { api } = await createTestServer();
  const ask = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>) =>
    (await api.inject({ method, url, headers: { host: 'localhost', ...headers } })).statusCode;
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', origin: 'https://evil.example' };
  assert.equal(await ask('GET', '/api/v1/tail/ws', upgrade), 403);
  assert.equal(await ask('POST', '/api/v1/saved', { origin: 'https://evil.example' }), 403);
  assert.equal(await ask('POST', '/api/v1/saved', { 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await ask('GET', '/healthz', { origin: 'https://evil.example' }), 200);
});

test('a body is refused when it is too large, no object, or would change what objects are', async () => {
  const { api } = await closedServer();
  const post = async (payload: string, type = 'application/json') => {
    const headers = { host: 'localhost', authorization: `Bearer ${admin.key}`, 'content-type': type };
    return (await api.inject({ method: 'POST', url: '/api/v1/keys', headers, payload })).statusCode;
  };
  assert.equal(await post('{"name":"x","scopes":["search"]}'), 201);
  for (const payload of [
    '{"__proto__":{"scopes":["admin"]},"name":"x","scopes":["search"]}',
    '{"constructor":{"prototype":{"a":1}},"name":"x","scopes":["search"]}',
    '{"name":"x","scopes":["search"],"tags":{"length":1}}',
    '[]',
    'null',
    '"x"',
    '{',
    '',
  ])
    assert.equal(await post(payload), 400, payload);
  assert.equal(await post(`{"name":"${'x'.repeat(70_000)}"}`), 413);
  assert.equal(await post('name=x', 'application/x-www-form-urlencoded'), 415);
  assert.equal(await post('{"name":"x","scopes":["search"]}', 'text/plain'), 415);
  assert.equal(({} as { a?: number }).a, undefined);
});

function statusOf(port: number, request: string): Promise<number> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1])));
  });
}
