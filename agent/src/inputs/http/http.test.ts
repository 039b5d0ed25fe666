import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { encode } from '@msgpack/msgpack';
import { InputCase } from '../../testing/input-case.ts';

const plain = ['@type http', 'port PORT'];
const json = { 'content-type': 'application/json' };

async function open(t: TestContext, lines: string[] = []) {
  const world = await InputCase.open(t, [...plain, ...lines]);
  await world.start();
  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = json) =>
    fetch(`http://127.0.0.1:${world.port}${path}`, {
      method: 'POST',
      body: Buffer.from(body as string),
      headers,
    });
  return { world, post };
}

async function raw(port: number, text: string): Promise<Socket & { said: string }> {
  const socket = Object.assign(connect(port, '127.0.0.1'), { said: '' });
  socket.setEncoding('latin1');
  socket.on('data', (part: string) => {
    socket.said += part;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

test('every form of body comes to the stream under the tag of its path', async (t) => {
  const { world, post } = await open(t);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const beacon = { 'content-type': 'text/plain;charset=UTF-8' };
  const msgpack = { 'content-type': 'application/msgpack' };
  const percent = [...Buffer.from(encode({ n: 8 }))]
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');
  const multipart = new FormData();
  multipart.set('json', '{"n":10}');
  const answers = [
    await post('/a/b', '{"n":1}'),
    await post('/a.b', '[{"n":2},{"n":3}]'),
    await post('/a.b', '{"n":4}\n{"n":5}\n', { 'content-type': 'application/x-ndjson' }),
    await post('/a.b', encode([{ n: 6 }]), msgpack),
    await post('/a.b', `json=${encodeURIComponent('{"n":7}')}`, form),
    await post('/a.b', `msgpack=${percent}`, form),
    await post('/a.b', '{"n":9}', beacon),
    await fetch(`http://127.0.0.1:${world.port}/a.b`, { method: 'POST', body: multipart }),
    await post('/a.b', gzipSync('{"n":11}'), { ...json, 'content-encoding': 'gzip' }),
    await post('/a.b', deflateSync('{"n":12}'), { ...json, 'content-encoding': 'deflate' }),
    await post('/a.b', deflateRawSync('{"n":13}'), { ...json, 'content-encoding': 'deflate' }),
    await post('/a.b', Buffer.concat([zstdCompressSync('{"n":14}'), zstdCompressSync('{"n":15}')]), {
      ...json,
      'content-encoding': 'zstd',
    }),
    await post('/a.b?time=1700000000.25', '{"n":16}'),
    await post('/a.b', '[]'),
  ];
  for (const [i, answer] of answers.entries())
    assert.equal(answer.status, 200, `${i}: ${await answer.text()}`);
  await world.stop();
  const expected = Array.from({ length: 15 }, (_, i) => `a.b {"n":${i + 1}}\n`);
  assert.deepEqual(world.records(), [...expected, 'a.b {"n":16,"@time":1700000000.25}\n']);
});

test('what is refused is refused with its status, and nothing of it is stored', async (t) => {
  const { world, post } = await open(t, ['body_size_limit 10k', 'event_size_limit 1k']);
  const zip = { ...json, 'content-encoding': 'gzip' };
  const big = `[${Array.from({ length: 2000 }, () => '{"a":1}').join(',')}]`;
  const cases: [number, Promise<Response>, string?][] = [
    [400, post('/t', '[{"n":1},{"n":2},3]'), '"index":2'],
    [400, post('/t', '{"n":1}\n{"n":'), '"index":1'],
    [400, post('/t', `{"n":"${'x'.repeat(1100)}"}`), 'event_size_limit'],
    [400, post('/t', Buffer.from([0x7b, 0xff, 0x7d])), 'UTF-8'],
    [400, post('/t', 'not gzip', zip)],
    [400, post('/t', gzipSync('{"n":1}').subarray(0, 12), zip)],
    [400, post('/t', encode([{ n: 1 }, 3]), { 'content-type': 'application/msgpack' }), '"index":1'],
    [400, post('/t', 'text', { 'content-type': 'application/x-www-form-urlencoded' })],
    [400, post('/t?time=yesterday', '{}')],
    [400, post('/a%20b', '{}')],
    [404, post('/', '{}')],
    [405, fetch(`http://127.0.0.1:${world.port}/t`)],
    [413, post('/t', big)],
    [413, post('/t', gzipSync(big), zip), 'body_size_limit'],
    [413, post('/t', zstdCompressSync(Buffer.alloc(50_000_000)), { ...json, 'content-encoding': 'zstd' })],
    [415, post('/t', '{}', { 'content-type': 'image/png' })],
    [415, post('/t', '{}', { ...json, 'content-encoding': 'br' })],
  ];
  for (const [status, answer, text = ''] of cases) {
    const response = await answer;
    const body = await response.text();
    assert.equal(response.status, status, body);
    assert.ok(body.includes(text), body);
  }
  assert.ok(world.agent.events('requests_refused').length > 0);
  await world.stop();
  assert.deepEqual(world.records(), []);
});

test('a request that comes again with its Idempotency-Key is answered and not stored again, also after kill -9', async (t) => {
  const { world, post } = await open(t);
  const keyed = { ...json, 'idempotency-key': 'one' };
  const both = await Promise.all([post('/t', '{"n":1}', keyed), post('/t', '{"n":1}', keyed)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  await world.agent.kill();
  await world.start();
  assert.equal((await post('/t', '{"n":1}', keyed)).status, 200);
  assert.equal((await post('/t', '{"n":2}', keyed)).status, 422);
  assert.equal((await post('/t', '{"n":3}', { ...keyed, 'idempotency-key': 'two' })).status, 200);
  await world.stop();
  assert.deepEqual(world.records().toSorted(), ['t {"n":1}\n', 't {"n":3}\n']);
});

test('what was answered is in the stream once however often the agent is killed, and keys make retries safe', async (t) => {
  const { world, post } = await open(t);
  const sizes = [1, 40_000];
  for (let n = 0; n < 24; n++) {
    const events = Array.from(
      { length: sizes[n % 2] ?? 1 },
      (_, i) => `{"n":${n},"i":${i},"text":"${'x'.repeat(40)}"}`,
    );
    const attempt = () =>
      post('/t', events.join('\n'), { ...json, 'idempotency-key': `key ${n}` }).then((a) => a.status);
    const first = attempt().catch(() => 0);
    if (n % 4 === 3) {
      await new Promise((resolve) => setTimeout(resolve, n * 4));
      await world.agent.kill();
      await first;
      await world.start();
    }
    let status = await first;
    while (status !== 200) status = await attempt().catch(() => 0);
  }
  await world.stop();
  const seen = new Map<string, number>();
  for (const text of world.texts()) {
    const { n, i } = JSON.parse(text) as { n: number; i: number };
    seen.set(`${n} ${i}`, (seen.get(`${n} ${i}`) ?? 0) + 1);
  }
  assert.equal(seen.size, 12 + 12 * 40_000);
  assert.deepEqual(
    [...seen].filter(([, count]) => count !== 1),
    [],
  );
});

test('API keys: who sends, where to, how much', async (t) => {
  const key = (name: string) => `${name}-0123456789abcdef`;
  const { world, post } = await open(t, [
    ...['<api_key>', 'name app', `key ${key('app')}`, 'tags app.**', '</api_key>'],
    ...['<api_key>', 'name slow', `key ${key('slow')}`, 'events_per_second 1', '</api_key>'],
    ...['<api_key>', 'name day', `key ${key('day')}`, 'bytes_per_day 1k', '</api_key>'],
  ]);
  const as = (name: string) => ({ ...json, authorization: `Bearer ${key(name)}` });
  const status = async (answer: Promise<Response>) => (await answer).status;
  assert.equal(await status(post('/app.a', '{"n":1}')), 401);
  assert.equal(await status(post('/app.a', '{"n":1}', as('nobody'))), 401);
  assert.equal(await status(post('/app.a', '{"n":1}', as('app'))), 200);
  assert.equal(await status(post('/app.a', '{"n":2}', { ...json, 'x-api-key': key('app') })), 200);
  assert.equal(await status(post(`/app.a?api_key=${key('app')}`, '{"n":3}')), 200);
  assert.equal(await status(post('/other', '{"n":4}', as('app'))), 403);
  const ten = `[${Array.from({ length: 10 }, () => '{"s":1}').join(',')}]`;
  assert.equal(await status(post('/t', ten, as('slow'))), 200);
  const late = await post('/t', ten, as('slow'));
  assert.equal(late.status, 429);
  assert.ok(Number(late.headers.get('retry-after')) >= 1);
  assert.equal(await status(post('/t', `{"d":"${'x'.repeat(900)}"}`, as('day'))), 200);
  assert.equal(await status(post('/t', `{"d":"${'x'.repeat(200)}"}`, as('day'))), 429);
  await world.agent.kill();
  await world.start();
  assert.equal(
    await status(post('/t', `{"d":"${'x'.repeat(200)}"}`, as('day'))),
    429,
    'a day outlives the process',
  );
  await world.stop();
  assert.equal(world.records().filter((line) => line.includes('"n"')).length, 3);
});

test('browsers: preflight, allowed origins, what a record is given', async (t) => {
  const { world, post } = await open(t, [
    'cors_allow_origins ["https://*.example.com"]',
    'cors_allow_credentials true',
    'add_remote_addr true',
    'add_query_params true',
    'use_204_response true',
  ]);
  const origin = 'https://app.example.com';
  const url = `http://127.0.0.1:${world.port}/t`;
  const asked = await fetch(url, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  });
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get('access-control-allow-origin'), origin);
  assert.match(asked.headers.get('access-control-allow-headers') ?? '', /idempotency-key/);
  const sent = await post('/t?user-id=7', '{}', { 'content-type': 'text/plain', origin });
  assert.equal(sent.status, 204);
  assert.equal(sent.headers.get('access-control-allow-credentials'), 'true');
  assert.equal((await post('/t', '{"n":2}', { ...json, origin: 'https://evil.com' })).status, 403);
  assert.equal((await fetch(url.replace('/t', '/healthz'))).status, 200);
  await world.stop();
  assert.deepEqual(world.records(), ['t {"QUERY_USER_ID":"7","REMOTE_ADDR":"127.0.0.1"}\n']);
});

test('slow and broken clients are closed, and the others are served', async (t) => {
  const { world, post } = await open(t, ['request_timeout 1s', 'keepalive_timeout 1s', 'connections_max 20']);
  const head = 'POST /t HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
  const slowHead = await raw(world.port, 'POST /t HTTP/1.1\r\n');
  const slowBody = await raw(world.port, `${head}content-length: 10\r\n\r\n{`);
  const silent = await raw(world.port, '');
  const huge = await raw(world.port, `${head}x: ${'x'.repeat(20_000)}\r\n\r\n`);
  const aborted = await raw(world.port, `${head}content-length: 100\r\n\r\n{"n":1}`);
  aborted.destroy();
  const garbage = await raw(world.port, '\x16\x03\x01\x02\x00 no http\r\n\r\n');
  assert.equal((await post('/t', '{"n":2}')).status, 200);
  const all = [slowHead, slowBody, silent, huge, garbage];
  await world.until(() => all.every((socket) => socket.closed), 'all are closed');
  assert.match(slowHead.said, /408/);
  assert.match(slowBody.said, /408/);
  assert.match(huge.said, /431/);
  assert.match(garbage.said, /400/);
  const many = await Promise.all(Array.from({ length: 30 }, () => raw(world.port, '')));
  await world.until(() => world.agent.events('connection_refused').length >= 10, 'connections_max');
  for (const socket of many) socket.destroy();
  await world.stop();
  assert.deepEqual(world.records(), ['t {"n":2}\n']);
});

test('two thousand connections are kept alive and answered', async (t) => {
  const { world } = await open(t, ['keepalive_timeout 60s']);
  const agent = new Agent({ keepAlive: true, maxSockets: 2000, maxFreeSockets: 2000 });
  t.after(() => agent.destroy());
  const send = (n: number) =>
    new Promise<number>((resolve, reject) => {
      const sent = request({
        agent,
        port: world.port,
        host: '127.0.0.1',
        path: '/t',
        method: 'POST',
        headers: json,
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.end(`{"n":${n}}`);
    });
  for (const round of [0, 1]) {
    const answers = await Promise.all(Array.from({ length: 2000 }, (_, n) => send(round * 2000 + n)));
    assert.deepEqual(new Set(answers), new Set([200]));
  }
  assert.equal(Object.values(agent.freeSockets).flat().length, 2000);
  agent.destroy();
  await world.stop();
  assert.equal(new Set(world.texts()).size, 4000);
});

test('while the outbox is full requests are told to come again, and what was answered is there', async (t) => {
  const { world, post } = await open(t);
  world.match = ['outbox_size 2m'];
  await world.stop();
  world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  await world.start();
  // What does not compress, so that blocks are as large as what is sent.
  const noise = () =>
    Array.from({ length: 3000 }, () => `{"t":"${crypto.randomUUID()}${crypto.randomUUID()}"}`).join('\n');
  const open429: Response[] = [];
  const answered: Promise<number>[] = [];
  for (let i = 0; open429.length === 0 && i < 300; i++) {
    const answer = post('/t', noise());
    answered.push(answer.then(({ status }) => status));
    const first = await Promise.race([answer, delay(30)]);
    if (first?.status === 429) open429.push(first);
  }
  assert.ok(Number(open429[0]?.headers.get('retry-after')) >= 1, 'none was told to come again');
  world.stream.always = { do: 'accept' };
  const statuses = await Promise.all(answered);
  await world.stop();
  assert.equal(world.texts().length, 3000 * statuses.filter((status) => status === 200).length);
});
