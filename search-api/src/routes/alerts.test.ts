import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedAccess } from '../access/access.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';

const hook = { type: 'webhook', url: 'https://hooks.example.com/secret', headers: { 'x-key': 'k' } };
const alert = {
  name: 'Payments refused',
  search: { q: 'payment refused' },
  condition: { type: 'threshold', op: '>', count: 10 },
  notify: [hook],
};

function caller({ api }: TestServer) {
  return async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object, ifMatch?: string) => {
    const headers = { host: 'localhost', ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) };
    const response = await api.inject({ method, url, headers, ...(body === undefined ? {} : { body }) });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body === '' ? undefined : response.json(),
    };
  };
}

test('an alert is made, read with its state, changed and deleted', async () => {
  const call = caller(await createTestServer());
  const made = await call('POST', '/api/v1/alerts', alert);
  assert.equal(made.status, 201);
  assert.deepEqual(made.body.notify, [hook]);
  const { every, window, enabled, for: inRow, resolve, owner } = made.body;
  assert.deepEqual(
    { every, window, enabled, inRow, resolve, owner },
    { every: '1m', window: '5m', enabled: true, inRow: 1, resolve: true, owner: 'loopback' },
  );
  const url = `/api/v1/alerts/${made.body.id}`;
  assert.deepEqual((await call('GET', url)).body, { ...made.body, state: null });
  const changed = await call('PUT', url, { ...alert, name: 'new' }, String(made.headers.etag));
  assert.equal(changed.body.name, 'new');
  assert.equal((await call('PUT', url, alert, String(made.headers.etag))).body.error.code, 'CONFLICT');
  assert.equal((await call('GET', '/api/v1/alerts')).body.alerts.length, 1);
  assert.equal((await call('DELETE', url)).status, 204);
  assert.equal((await call('GET', url)).status, 404);
});

const refused: [string, object, RegExp][] = [
  ['a query', { search: { q: '(' } }, /query/],
  ['a pipe', { search: { q: 'x | count by host' } }, /pipes/],
  ['a saved search that is not there', { search: { saved: 'none' } }, /no saved search/],
  ['a host', { notify: [{ ...hook, url: 'https://elsewhere.example/' }] }, /no address to send to/],
  ['a group without a bound', { group_by: 'message' }, /value of its own/],
  ['absent groups', { group_by: 'host', condition: { type: 'absence' } }, /not known to be one/],
  ['an unknown member', { colour: 'red' }, /colour/],
  ['a span', { window: '5' }, /window/],
  ['a header that is none', { notify: [{ ...hook, headers: { 'x y': 'a\r\nb' } }] }, /notify/],
  ['nobody to tell', { notify: [] }, /notify/],
];

test('an alert that could not be evaluated or sent is refused', async () => {
  const call = caller(await createTestServer());
  for (const [what, parts, message] of refused) {
    const { status, body } = await call('POST', '/api/v1/alerts', { ...alert, ...parts });
    assert.equal(status, 400, what);
    assert.match(body.error.message, message, what);
  }
});

test('an alert keeps what its owner may see, and nobody who changes it makes that wider', async () => {
  const server = await createTestServer();
  const call = caller(server);
  const shop = { ...unlimitedAccess('key:shop'), scopes: new Set(['alerts'] as const), tags: ['app.shop.*'] };
  server.asker.access = shop;
  const { body } = await call('POST', '/api/v1/alerts', alert);
  assert.deepEqual(body.access, { tags: ['app.shop.*'], hosts: [], streams: [], redact: [] });
  const url = `/api/v1/alerts/${body.id}`;
  server.asker.access = { ...shop, subject: 'key:bank', tags: ['app.bank.*'] };
  assert.equal((await call('GET', url)).status, 404);
  assert.deepEqual((await call('GET', '/api/v1/alerts')).body.alerts, []);
  assert.equal((await call('DELETE', url)).status, 404);
  server.asker.access = unlimitedAccess('user:admin');
  const changed = await call('PUT', url, { ...alert, name: 'by an admin' });
  assert.deepEqual([changed.body.owner, changed.body.access], ['key:shop', body.access]);
  server.asker.access = { ...shop, scopes: new Set(['search'] as const) };
  assert.equal((await call('GET', '/api/v1/alerts')).status, 403);
});

test('a hidden field is neither asked for nor grouped by', async () => {
  const server = await createTestServer();
  server.asker.access = { ...server.asker.access, redact: ['user.id'] };
  const call = caller(server);
  assert.equal((await call('POST', '/api/v1/alerts', { ...alert, group_by: 'user.id' })).status, 403);
  assert.equal((await call('POST', '/api/v1/alerts', { ...alert, search: { q: 'user.id:7' } })).status, 403);
  const { body } = await call('POST', '/api/v1/alerts', alert);
  // Nor by an admin in its owner's place: it would be evaluated never.
  server.asker.access = unlimitedAccess('user:admin');
  assert.equal(
    (await call('PUT', `/api/v1/alerts/${body.id}`, { ...alert, group_by: 'user.id' })).status,
    403,
  );
});

test('the state has all groups, also those with line breaks in their names', async () => {
  const server = await createTestServer();
  const call = caller(server);
  const { body } = await call('POST', '/api/v1/alerts', { ...alert, group_by: 'job' });
  const group = { status: 'firing', matches: 1, since: 1, told: 1, count: 12 };
  const state = { question: '', evaluated: 1, groups: { 'a\nb': group, c: group }, notices: [], history: [] };
  await server.store.objects.put('alert_state', body.id, state);
  assert.deepEqual((await call('GET', `/api/v1/alerts/${body.id}`)).body.state, state);
});

test('a test notice says of each channel whether it went', async () => {
  const server = await createTestServer([], {}, undefined, undefined);
  const call = caller(server);
  const { body } = await call('POST', '/api/v1/alerts', alert);
  // Nobody listens there: names below .example.com do not resolve.
  const { results } = (await call('POST', `/api/v1/alerts/${body.id}/test`)).body;
  assert.equal(results.length, 1);
  assert.equal(results[0].sent, false);
  assert.doesNotMatch(JSON.stringify(results), /secret/);
});

test('there are no more alerts than configured', async () => {
  const call = caller(await createTestServer());
  for (let i = 0; i < 10; i++) assert.equal((await call('POST', '/api/v1/alerts', alert)).status, 201);
  assert.equal((await call('POST', '/api/v1/alerts', alert)).body.error.code, 'LIMIT');
});

test('a part of a path that is too long is refused by the schema of its route', async () => {
  const server = await createTestServer();
  const long = '%E1%B9%B0'.repeat(500);
  for (const path of [`alerts/${long}`, `saved/${long}`]) {
    const { status } = await server.get(`/api/v1/${path}`);
    assert.equal(status, 400);
  }
});
