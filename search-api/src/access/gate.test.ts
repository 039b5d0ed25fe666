import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { memoryObjects } from '@millrace/core/testing/memory-objects.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testHttp, testNowMs } from '../testing/test-server.ts';
import { AccessConfigSchema, checkAccess } from './config.ts';
import { createGate } from './create.ts';
import { idOfKey, isKeyOf, makeKey } from './key.ts';

const admin = makeKey('root', systemClock);
const shop = makeKey('shop', systemClock);
const late = makeKey('late', systemClock);

async function server(access: object = {}) {
  const config = validateConfig(
    AccessConfigSchema,
    {
      keys: [
        { id: 'root', sha256: admin.sha256, scopes: ['search', 'admin'] },
        { id: 'shop', sha256: shop.sha256, scopes: ['search'], tags: ['app.shop.*'], redact: ['user'] },
        { id: 'late', sha256: late.sha256, scopes: ['search'], expires: '2026-11-22T10:30:00Z' },
      ],
      ...access,
    },
    'test',
  );
  const time = { monotonic: 0 };
  const clock = { ...systemClock, now: () => testNowMs, monotonic: () => time.monotonic };
  const cabinet = memoryObjects();
  const gate = createGate({ http: testHttp, access: config }, cabinet, clock);
  const document = fakeDocument(new Date(testNowMs).toISOString(), '/a', 0, 'x');
  const made = await createTestServer([document], {}, undefined, undefined, undefined, { gate });
  const ask = async (
    key: string | undefined,
    url = '/api/v1/search',
    method: 'GET' | 'POST' | 'DELETE' = 'GET',
    payload?: object,
  ) => {
    const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const headers = { host: 'localhost', ...authorization };
    const answer = await made.api.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body === '' ? undefined : answer.json(),
    };
  };
  return { ...made, ask, time, cabinet };
}

test('a server with keys answers who has one, and tells others what is missing', async () => {
  const { ask } = await server();
  assert.equal((await ask(admin.key)).status, 200);
  const none = await ask(undefined);
  assert.equal(none.status, 401);
  assert.equal(none.body.error.code, 'UNAUTHORIZED');
  assert.equal(none.headers['www-authenticate'], 'Bearer realm="millrace"');
  const changed = `${admin.key.slice(0, -1)}${admin.key.endsWith('A') ? 'B' : 'A'}`;
  for (const key of [
    changed,
    makeKey('root', systemClock).key,
    makeKey('nobody', systemClock).key,
    late.key,
    'x',
    '',
  ])
    assert.equal((await ask(key)).status, 401, key);
  // A wrong key is said to be wrong where everybody may ask, too; without one, everybody may.
  assert.equal((await ask('x', '/healthz')).status, 401);
  for (const url of ['/healthz', '/readyz', '/api/v1/me'])
    assert.equal((await ask(undefined, url)).status, 200, url);
});

test('strangers are told that the server is ready, and not what it runs on', async () => {
  const { ask } = await server({ keys: [{ id: 'root', sha256: admin.sha256, scopes: ['metrics'] }] });
  assert.deepEqual((await ask(undefined, '/readyz')).body, { status: 'ok', store: 'ok' });
  assert.deepEqual((await ask(admin.key, '/readyz')).body, { status: 'ok', store: 'fake 1.0.0' });
});

test('a key in the address is no key', async () => {
  const { ask, api } = await server();
  for (const name of ['key', 'api_key', 'access_token', 'authorization'])
    assert.equal((await ask(undefined, `/api/v1/search?${name}=${admin.key}`)).status, 401, name);
  for (const headers of [
    { cookie: `millrace_session=${admin.key}` },
    { authorization: admin.key },
    { authorization: `Basic ${btoa(`root:${admin.key}`)}` },
    { 'x-api-key': admin.key },
  ]) {
    const { statusCode } = await api.inject({
      url: '/api/v1/search',
      headers: { host: 'localhost', ...headers },
    });
    assert.equal(statusCode, 401, JSON.stringify(headers));
  }
});

test('a limited key reads its part of the logs, and learns nothing of what is hidden', async () => {
  const { ask, store } = await server();
  assert.equal((await ask(shop.key, '/api/v1/search?q=*')).status, 200);
  assert.match(JSON.stringify(store.searches[0]?.query), /{"wildcard":{"tag":{"value":"app.shop.\*"}}}/);
  assert.equal((await ask(shop.key, '/api/v1/search?q=user:bob')).status, 403);
  assert.equal((await ask(shop.key, '/api/v1/keys')).status, 403);
  assert.equal((await ask(shop.key, '/api/v1/ledger')).status, 403);
  assert.equal((await ask(shop.key, '/metrics')).status, 403);
  const { body } = await ask(shop.key, '/api/v1/me');
  assert.deepEqual(
    [body.subject, body.scopes, body.tags, body.redact, body.login, body.csrf],
    ['key:shop', ['search'], ['app.shop.*'], ['user'], null, null],
  );
});

test('keys are made, listed without their secret, used and revoked', async () => {
  const { ask, time, cabinet } = await server();
  const wanted = { name: 'for the shop', scopes: ['search'], tags: ['app.shop.*'], redact: ['user'] };
  const made = await ask(admin.key, '/api/v1/keys', 'POST', wanted);
  assert.equal(made.status, 201);
  const { id, key } = made.body;
  assert.equal(idOfKey(key), id);
  const stored = await cabinet.get('key', id);
  assert.doesNotMatch(JSON.stringify(stored), new RegExp(key.slice(-20)));
  const listed = await ask(admin.key, '/api/v1/keys');
  assert.deepEqual(
    listed.body.keys.map((entry: { id: string; source: string }) => [entry.id, entry.source]),
    [
      ['root', 'config'],
      ['shop', 'config'],
      ['late', 'config'],
      [id, 'store'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(listed.body), /sha256|[0-9a-f]{64}/);
  assert.equal((await ask(key)).status, 200);
  assert.equal((await ask(key, '/api/v1/search?q=user:bob')).status, 403);
  // Another process revoked it: here it dies when what was looked up is too old.
  await cabinet.delete('key', id);
  time.monotonic += 6_000;
  assert.equal((await ask(key)).status, 401);
  const other = await ask(admin.key, '/api/v1/keys', 'POST', wanted);
  assert.equal((await ask(other.body.key)).status, 200);
  assert.equal((await ask(admin.key, `/api/v1/keys/${other.body.id}`, 'DELETE')).status, 204);
  assert.equal((await ask(other.body.key)).status, 401);
  assert.equal((await ask(admin.key, `/api/v1/keys/${other.body.id}`, 'DELETE')).status, 404);
  assert.equal((await ask(admin.key, '/api/v1/keys/root', 'DELETE')).status, 409);
});

test('nobody gives a key what they do not have', async () => {
  const few = makeKey('few', systemClock);
  const { ask } = await server({
    keys: [
      { id: 'few', sha256: few.sha256, scopes: ['admin', 'search'], hosts: ['web-*'] },
      { id: 'root', sha256: admin.sha256, scopes: ['admin'] },
    ],
  });
  const wanted = { name: 'x', scopes: ['search'] };
  assert.equal((await ask(few.key, '/api/v1/keys', 'POST', wanted)).status, 403);
  // Nor do they see or end those of others, which say what the others see.
  assert.equal((await ask(few.key, '/api/v1/keys')).status, 403);
  assert.equal((await ask(few.key, '/api/v1/keys/root', 'DELETE')).status, 403);
  assert.equal((await ask(admin.key, '/api/v1/keys', 'POST', wanted)).status, 403);
  const own = { name: 'x', scopes: ['admin'] };
  assert.equal((await ask(admin.key, '/api/v1/keys', 'POST', own)).status, 201);
  for (const wrong of [
    { ...own, expires: 'soon' },
    { ...own, redact: ['@timestamp'] },
    { ...own, scopes: [] },
    { ...own, scopes: ['all'] },
    { ...own, admin: true },
  ])
    assert.equal((await ask(admin.key, '/api/v1/keys', 'POST', wrong)).status, 400, JSON.stringify(wrong));
});

test('who tries keys is soon not looked up, and the right key of another is', async () => {
  const { ask, cabinet } = await server();
  let looked = 0;
  const { get } = cabinet;
  cabinet.get = (...args) => {
    looked++;
    return get(...args);
  };
  const statuses = [];
  for (let i = 0; i < 14; i++) statuses.push((await ask(makeKey(`guess-${i}`, systemClock).key)).status);
  assert.deepEqual(statuses.slice(0, 10), Array(10).fill(401));
  assert.deepEqual(statuses.slice(10), Array(4).fill(429));
  assert.equal(looked, 10);
  const refused = await ask(makeKey('more', systemClock).key);
  assert.equal(refused.body.error.code, 'RATE_LIMITED');
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal((await ask(admin.key)).status, 200);
});

test('a key or user asks so much in a minute and no more, whatever others ask', async () => {
  const limited = await server();
  const statuses: number[] = [];
  for (let i = 0; i < 1002; i++) statuses.push((await limited.ask(admin.key, '/api/v1/keys')).status);
  assert.deepEqual(statuses.slice(998), [200, 200, 429, 429]);
  assert.equal((await limited.ask(shop.key)).status, 200);
});

test('an answer that takes long ends when its key is revoked', { timeout: 10_000 }, async (t) => {
  const { api, ask, store, clock, time } = await server();
  const made = await ask(admin.key, '/api/v1/keys', 'POST', { name: 'x', scopes: ['search'] });
  const asked = Promise.withResolvers<void>();
  store.before = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const looked = Promise.withResolvers<void>();
  clock.sleep = async (_ms, signal) => {
    await looked.promise;
    await systemClock.sleep(5, signal);
  };
  t.after(() => api.close());
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const headers = { authorization: `Bearer ${made.body.key}` };
  const answer = fetch(`http://127.0.0.1:${port}/api/v1/search`, { headers });
  const cut = assert.rejects(answer, /fetch failed/);
  await asked.promise;
  assert.equal((await ask(admin.key, `/api/v1/keys/${made.body.id}`, 'DELETE')).status, 204);
  time.monotonic += 6_000;
  looked.resolve();
  await cut;
});

test('a key compares by all of its text', () => {
  assert.ok(isKeyOf(admin.key, admin.sha256));
  for (const other of [shop.sha256, undefined, '', '00', admin.sha256.slice(2)])
    assert.ok(!isKeyOf(admin.key, other));
  for (const text of [
    '',
    'mr_',
    'mr_a_b',
    admin.key.slice(0, -1),
    `${admin.key}A`,
    admin.key.replace('root', 'ro_t'),
  ])
    assert.equal(idOfKey(text), undefined, text);
});

const configs: [
  string,
  http: { host: string; public_url?: string },
  access: object | undefined,
  RegExp | undefined,
][] = [
  ['loopback alone is open', { host: '127.0.0.1' }, undefined, undefined],
  ['others reach it', { host: '0.0.0.0' }, undefined, /reached from elsewhere, and access is not configured/],
  ['others reach it', { host: '::' }, undefined, /reached from elsewhere/],
  ['others reach it', { host: '127.0.0.1.example.com' }, undefined, /reached from elsewhere/],
  ['open on purpose', { host: '0.0.0.0' }, { open: true }, undefined],
  ['open and not', { host: '0.0.0.0' }, { open: true, keys: [{}] }, /would mean nothing/],
  ['nobody', { host: '0.0.0.0' }, {}, /nobody could get in/],
  ['hidden', { host: '::' }, { keys: [{ redact: ['offset'] }] }, /offset cannot be hidden/],
  ['twice', { host: '::' }, { keys: [{}, {}] }, /the same id/],
  ['never', { host: '::' }, { keys: [{ expires: 'x' }] }, /not a time/],
  ['no address', { host: '::' }, { oidc: {} }, /public_url: is needed/],
  ['plain', { host: '::', public_url: 'http://logs.example.com' }, { oidc: {} }, /not encrypted/],
  [
    'plain provider',
    { host: '::', public_url: 'https://l.example' },
    { oidc: { issuer: 'http://op.example' } },
    /issuer: is not encrypted/,
  ],
  [
    'loopback provider',
    { host: '127.0.0.1', public_url: 'http://localhost:1' },
    { oidc: { issuer: 'http://127.0.0.1:2' } },
    undefined,
  ],
];

test('a server that others reach starts with access configured, or open on purpose', () => {
  const key = { id: 'a', sha256: admin.sha256, scopes: ['search'] };
  const oidc = { issuer: 'https://op.example', client_id: 'x', roles: [{ value: '*', scopes: ['search'] }] };
  for (const [name, http, access, refusal] of configs) {
    const given = access as { keys?: object[]; oidc?: object } | undefined;
    const whole = given && {
      ...given,
      ...(given.keys && { keys: given.keys.map((one) => ({ ...key, ...one })) }),
      ...(given.oidc && { oidc: { ...oidc, ...given.oidc } }),
    };
    const check = () => checkAccess(http, whole && validateConfig(AccessConfigSchema, whole, 'f'), 'f');
    if (refusal === undefined) check();
    else assert.throws(check, refusal, name);
  }
});
