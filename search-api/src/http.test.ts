import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { createTestServer, testHttp } from './testing/test-server.ts';

test('what is not there is 404 in the shape of every error', async () => {
  const { get, api } = await createTestServer();
  for (const url of ['/api/v2/search', '/nothing.js', '/../package.json', '/%2e%2e/package.json']) {
    const { status, body } = await get(url);
    assert.equal(status, 404, url);
    assert.equal(body.error.code, 'NOT_FOUND', url);
  }
  const posted = await api.inject({ method: 'POST', url: '/api/v1/search', headers: { host: 'localhost' } });
  assert.equal(posted.statusCode, 405);
  assert.equal(posted.headers.allow, 'GET, HEAD');
  assert.equal(posted.json().error.code, 'METHOD_NOT_ALLOWED');
});

test('what reaches no route is answered in the shape of every error', { timeout: 10_000 }, async (t) => {
  const { api, get } = await createTestServer();
  for (const url of ['/%zz', '//', '/%00', `/${'a'.repeat(5000)}`]) {
    const { status, body } = await get(url);
    assert.ok(status >= 400 && status < 500, url);
    // Some are bad names of files where the page is built, and no route where it is not.
    assert.match(body.error.code, /^(REQUEST_INVALID|NOT_FOUND)$/, url);
    assert.ok(body.error.hint, url);
  }
  t.after(() => api.close());
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const requests: [text: string, status: number][] = [
    ['GARBAGE\r\n\r\n', 400],
    [`GET /?${'q'.repeat(200_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  ];
  for (const [text, status] of requests) {
    const answer = await rawAnswer(port, text);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    const { error } = JSON.parse(answer.slice(answer.indexOf('{')));
    assert.equal(error.code, 'REQUEST_INVALID');
    assert.ok(error.hint);
  }
});

/** Everything that comes back until the connection ends. */
function rawAnswer(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      answer += data.toString();
    });
    // A refused request may be cut while it is still being written.
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

test('the page comes with a strict policy, and no other origin is let in', async () => {
  const { get, api } = await createTestServer();
  const page = await get('/');
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'/);
  for (const url of ['/', '/api/v1/search', '/nothing'])
    assert.equal((await get(url)).headers['x-content-type-options'], 'nosniff');
  const cors = await api.inject({
    url: '/api/v1/search',
    headers: { host: 'localhost', origin: 'http://evil.example' },
  });
  assert.equal(cors.headers['access-control-allow-origin'], undefined);
});

test('a server on loopback is called by no foreign name', async () => {
  const { api } = await createTestServer([], {
    http: { ...testHttp, allowed_hosts: ['logs.example.com'] },
  });
  const status = async (host: string) =>
    (await api.inject({ url: '/api/v1/search', headers: { host } })).statusCode;
  for (const host of ['localhost', '127.0.0.1:6700', '[::1]:80', 'LOGS.example.com'])
    assert.equal(await status(host), 200, host);
  assert.equal(await status('evil.example'), 403);
  assert.equal(await status('localhost.evil.example'), 403);
});

test('a server that is meant to be reached from elsewhere answers to any name', async () => {
  const { api } = await createTestServer([], { http: { ...testHttp, host: '0.0.0.0' } });
  const { statusCode } = await api.inject({ url: '/api/v1/search', headers: { host: 'logs.internal' } });
  assert.equal(statusCode, 200);
});

test('a server in a container, whose port is published on loopback, answers to the listed names only', async () => {
  const http = { ...testHttp, host: '0.0.0.0', allowed_hosts: ['search-api'] };
  const { api } = await createTestServer([], { http });
  const status = async (host: string) =>
    (await api.inject({ url: '/api/v1/search', headers: { host } })).statusCode;
  for (const host of ['localhost:6700', '127.0.0.1:6700', 'search-api:6700'])
    assert.equal(await status(host), 200, host);
  assert.equal(await status('evil.example'), 403);
  assert.equal(await status('0.0.0.0:6700'), 403);
});
