import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import type { Api } from '../server.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testNowMs } from '../testing/test-server.ts';
import { type TailConfig, TailConfigSchema } from './config.ts';

const tail = { ...(Value.Default(TailConfigSchema, {}) as TailConfig), viewers_max: 1, poll_ms: 50 };

const upgradeHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.alloc(16, 1).toString('base64'),
};

/** An event as it lies in the store. */
function arrived(name: string) {
  const document = fakeDocument(new Date(testNowMs).toISOString(), '/a.log', 0, name);
  const event = { generation: 'g', ingested: new Date(testNowMs).toISOString() };
  return { ...document, id: name, source: { ...document.source, event }, sort: [testNowMs, 'g', 0, 0] };
}

async function listening(api: Api): Promise<number> {
  await api.listen({ host: '127.0.0.1', port: 0 });
  return (api.server.address() as AddressInfo).port;
}

async function connected(port: number, path: string): Promise<IncomingMessage> {
  const [response] = (await once(get({ host: '127.0.0.1', port, path }), 'response')) as [IncomingMessage];
  response.on('error', () => {});
  return response;
}

/** Reads until the text has what is looked for. */
async function readUntil(response: IncomingMessage, wanted: string): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  while (!text.includes(wanted)) {
    const chunk = response.read() as string | null;
    if (chunk === null) await once(response, 'readable');
    else text += chunk;
  }
  return text;
}

test('events go out as text/event-stream with a cursor, by the security headers of every answer', {
  timeout: 20_000,
}, async (t) => {
  const documents = [arrived('before')];
  const { api } = await createTestServer(documents, { tail });
  t.after(() => api.close());
  const port = await listening(api);
  const response = await connected(port, '/api/v1/tail?q=');
  assert.equal(response.statusCode, 200);
  assert.match(String(response.headers['content-type']), /^text\/event-stream/);
  assert.match(String(response.headers['content-security-policy']), /default-src 'none'/);
  await readUntil(response, '"phase":"live"');
  documents.push(arrived('news'));
  const text = await readUntil(response, 'news');
  assert.match(text, /event: hits\nid: t1\.[\w.-]+\ndata: \{"hits":\[\{"id":"news",/);
  assert.doesNotMatch(text, /before/);
});

test('what is hidden from a key is in no event of its tail, live or of before, by either way', {
  timeout: 20_000,
}, async (t) => {
  const secret = (name: string) => {
    const event = arrived(`${name} of ann@example.com`);
    return { ...event, id: name, source: { ...event.source, user: { email: 'ann@example.com' } } };
  };
  const documents = [secret('before')];
  const { api, asker } = await createTestServer(documents, { tail: { ...tail, viewers_max: 2 } });
  t.after(() => api.close());
  asker.access = { ...asker.access, subject: 'key:shop', redact: ['user.email'] };
  const port = await listening(api);
  const response = await connected(port, '/api/v1/tail?since=now-1h');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/tail/ws?since=now-1h`);
  let heard = '';
  socket.addEventListener('message', ({ data }) => {
    heard += String(data);
  });
  const heardMore = () => new Promise((resolve) => setTimeout(resolve, 20));
  let text = await readUntil(response, '"phase":"live"');
  while (!heard.includes('"phase":"live"')) await heardMore();
  documents.push(secret('news'));
  text += await readUntil(response, 'news');
  while (!heard.includes('news')) await heardMore();
  for (const whole of [text, heard]) {
    assert.match(whole, /before of \[redacted\]/);
    assert.match(whole, /news of \[redacted\]/);
    assert.doesNotMatch(whole, /ann@/);
  }
  socket.close();
});

test('what no client should say over a WebSocket costs it the connection at most', {
  timeout: 20_000,
}, async (t) => {
  const { api, get: ask } = await createTestServer([], { tail: { ...tail, viewers_max: 2 } });
  t.after(() => api.close());
  const port = await listening(api);
  const open = async () => {
    const asked = get({ host: '127.0.0.1', port, path: '/api/v1/tail/ws', headers: upgradeHeaders });
    const [, socket, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket, Buffer];
    socket.on('error', () => {});
    let heard = head.toString('latin1');
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      heard += String(chunk);
    });
    const has = async (wanted: RegExp) => {
      while (!wanted.test(heard)) await once(socket, 'data');
    };
    await has(/"phase":"joining"/);
    return { socket, has };
  };
  const { socket, has } = await open();
  for (const text of ['', '{', 'null', '1', '[]', '{"pause":"yes"}', '{"pause":null}', '{"__proto__":{}}'])
    socket.write(frame(1, text));
  socket.write(frame(2, '\x00'));
  socket.write(frame(9, 'are you there'));
  // A pong.
  await has(/\x8a\x0dare you there/);
  socket.write(frame(1, '{"pause":true}'));
  await has(/"phase":"paused"/);
  // Too much: closed with 1009.
  socket.write(frame(1, 'x'.repeat(2_000)));
  await has(/\x88\x02\x03\xf1/);
  socket.destroy();
  const { socket: broken } = await open();
  // Bits that mean nothing, and no mask.
  broken.write(Buffer.from([0xf1, 0x01, 0x00]));
  await once(broken, 'end');
  broken.destroy();
  for (;;) if (/^millrace_search_api_tail_viewers 0$/m.test((await ask('/metrics')).body)) break;
});

/** As clients send it: a mask of nothing. */
function frame(opcode: number, text: string): Buffer {
  const length =
    text.length < 126 ? [0x80 | text.length] : [0x80 | 126, text.length >> 8, text.length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), Buffer.from(text, 'latin1')]);
}

test('who asks for the head of a tail takes no place, and can ask on by the same connection', {
  timeout: 20_000,
}, async (t) => {
  const { api, get: ask } = await createTestServer([], { tail });
  t.after(() => api.close());
  const port = await listening(api);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (const [method, path, status] of [
    ['HEAD', '/api/v1/tail', 405],
    ['GET', '/healthz', 200],
  ] as const) {
    const sent = request({ host: '127.0.0.1', port, path, method, agent }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, status);
    response.resume();
    await once(response, 'end');
  }
  assert.match((await ask('/metrics')).body, /^millrace_search_api_tail_viewers 0$/m);
});

test('as many watch as may; who leaves makes room', { timeout: 20_000 }, async (t) => {
  const { api, get: ask, store } = await createTestServer([], { tail });
  t.after(() => api.close());
  const port = await listening(api);
  const first = await connected(port, '/api/v1/tail');
  await readUntil(first, '"phase":"live"');
  const refused = await ask('/api/v1/tail');
  assert.equal(refused.status, 429);
  assert.equal(refused.body.error.code, 'BUSY');
  first.destroy();
  let second = await connected(port, '/api/v1/tail');
  for (; second.statusCode === 429; second = await connected(port, '/api/v1/tail')) second.resume();
  await readUntil(second, '"phase":"live"');
  assert.ok(store.searches.every(({ by }) => by === 'ingested'));
});

test('what cannot be a tail is refused before it begins', async () => {
  const { get: ask } = await createTestServer([], { tail });
  for (const [url, message] of [
    ['/api/v1/tail?q=(', /query/],
    ['/api/v1/tail?q=error%20%7C%20count', /no count of it/],
    ['/api/v1/tail?since=t1.x', /cursor is damaged/],
    ['/api/v1/tail?since=yesterday', /parameter since/],
    ['/api/v1/tail?rate=0', /parameter rate/],
    ['/api/v1/tail?from=now', /unknown parameter/],
  ] as const) {
    const { status, body } = await ask(url);
    assert.equal(status, 400, url);
    assert.match(body.error.message, message, url);
  }
  // Nobody sits on a place that was refused.
  assert.match((await ask('/metrics')).body, /^millrace_search_api_tail_viewers 0$/m);
});

/** The status that a request for a WebSocket is answered with. */
async function upgraded(port: number, origin: string): Promise<number | undefined> {
  const headers = { ...upgradeHeaders, origin };
  const request = get({ host: '127.0.0.1', port, path: '/api/v1/tail/ws', headers });
  const [response] = (await Promise.race([once(request, 'response'), once(request, 'upgrade')])) as [
    IncomingMessage,
  ];
  request.destroy();
  return response.statusCode;
}

test('a WebSocket from the page of somebody else is refused, and takes no place', {
  timeout: 20_000,
}, async (t) => {
  const { api, get: ask } = await createTestServer([], { tail });
  t.after(() => api.close());
  const port = await listening(api);
  assert.equal(await upgraded(port, 'http://evil.example'), 403);
  assert.equal(await upgraded(port, 'null'), 403);
  assert.match((await ask('/metrics')).body, /^millrace_search_api_tail_viewers 0$/m);
  assert.equal(await upgraded(port, `http://127.0.0.1:${port}`), 101);
});
