import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedAccess } from '../access/access.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

function caller({ api }: TestServer) {
  return async (method: Method, url: string, body?: object | string, ifMatch?: string) => {
    const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json';
    const response = await api.inject({
      method,
      url,
      headers: {
        host: 'localhost',
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const json =
      response.body !== '' && String(response.headers['content-type']).includes('application/json');
    return {
      status: response.statusCode,
      headers: response.headers,
      body: json ? response.json() : response.body,
    };
  };
}

const errors = {
  name: 'Errors',
  q: 'level:error',
  from: 'now-1h',
  columns: ['host', 'message'],
  view: { tab: 'patterns' },
};

test('a saved search is made, read, changed and deleted', async () => {
  const call = caller(await createTestServer());
  const made = await call('POST', '/api/v1/saved', errors);
  assert.equal(made.status, 201);
  assert.equal(made.body.owner, 'loopback');
  assert.equal(made.body.to, '*');
  assert.equal(made.headers.location, `/api/v1/saved/${made.body.id}`);
  const url = `/api/v1/saved/${made.body.id}`;
  assert.deepEqual((await call('GET', url)).body, made.body);
  const changed = await call('PUT', url, { ...errors, name: 'All errors' });
  assert.equal(changed.body.name, 'All errors');
  assert.notEqual(changed.body.version, made.body.version);
  assert.deepEqual((await call('GET', '/api/v1/saved')).body, { saved: [changed.body] });
  assert.equal((await call('DELETE', url)).status, 204);
  assert.equal((await call('GET', url)).status, 404);
  assert.equal((await call('PUT', url, errors)).status, 404);
});

test('a change of what somebody else changed meanwhile is a conflict', async () => {
  const call = caller(await createTestServer());
  const { body, headers } = await call('POST', '/api/v1/saved', errors);
  const url = `/api/v1/saved/${body.id}`;
  const etag = String(headers.etag);
  assert.equal((await call('PUT', url, { ...errors, name: 'first' }, etag)).status, 200);
  const second = await call('PUT', url, { ...errors, name: 'second' }, etag);
  assert.equal(second.status, 409);
  assert.equal(second.body.error.code, 'CONFLICT');
  assert.equal((await call('DELETE', url, undefined, etag)).status, 409);
  assert.equal((await call('GET', url)).body.name, 'first');
});

test('what could not be searched is not saved, and the error points at the character', async () => {
  const call = caller(await createTestServer());
  const bad = await call('POST', '/api/v1/saved', { ...errors, q: 'a AND (b' });
  assert.equal(bad.status, 400);
  assert.equal(bad.body.error.code, 'QUERY_INVALID');
  assert.equal((await call('POST', '/api/v1/saved', { ...errors, from: 'soon' })).status, 400);
  assert.equal((await call('POST', '/api/v1/saved', { ...errors, name: ' ' })).status, 400);
  assert.equal((await call('POST', '/api/v1/saved', { ...errors, colour: 'red' })).status, 400);
  const big = await call('POST', '/api/v1/saved', { ...errors, view: { x: 'x'.repeat(20_000) } });
  assert.equal(big.status, 400);
  for (const levels of [40, 8_000]) {
    const body = `{"id":"x","name":"x","view":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    const { status, body: answer } = await call('POST', '/api/v1/saved/import', body);
    assert.equal(status, 400);
    assert.match(answer.error.message, /more than 32 levels/);
  }
});

test('others see a saved search and leave it alone; an admin may change it', async () => {
  const server = await createTestServer();
  const call = caller(server);
  const { body } = await call('POST', '/api/v1/saved', errors);
  const url = `/api/v1/saved/${body.id}`;
  const other = unlimitedAccess('key:other');
  server.asker.access = { ...other, scopes: new Set(['search', 'save']) };
  assert.equal((await call('GET', url)).status, 200);
  assert.equal((await call('PUT', url, errors)).status, 403);
  assert.equal((await call('DELETE', url)).status, 403);
  server.asker.access = { ...other, scopes: new Set(['search']) };
  assert.equal((await call('POST', '/api/v1/saved', errors)).status, 403);
  server.asker.access = other;
  const changed = await call('PUT', url, { ...errors, name: 'by an admin' });
  assert.equal(changed.body.owner, 'loopback');
});

test('who has limits sees their own only, by no way another, nor whose it is', async () => {
  const server = await createTestServer();
  const call = caller(server);
  const { body } = await call('POST', '/api/v1/saved', { ...errors, q: 'account 4711-secret' });
  const url = `/api/v1/saved/${body.id}`;
  for (const limits of [{ tags: ['app'] }, { redact: ['user'] }]) {
    server.asker.access = { ...unlimitedAccess('key:shop'), ...limits };
    const own = (await call('POST', '/api/v1/saved', errors)).body;
    assert.deepEqual((await call('GET', '/api/v1/saved')).body, { saved: [own] });
    assert.doesNotMatch((await call('GET', '/api/v1/saved/export')).body as string, /4711/);
    assert.equal((await call('GET', url)).status, 404);
    assert.equal((await call('PUT', url, errors)).status, 404);
    assert.equal((await call('DELETE', url)).status, 404);
    const taken = await call('POST', '/api/v1/saved/import', JSON.stringify({ id: body.id, ...errors }));
    assert.equal(taken.status, 403);
    assert.doesNotMatch(JSON.stringify(taken.body), /4711|loopback/);
    const alert = {
      name: 'x',
      search: { saved: body.id },
      condition: { type: 'absence' },
      notify: [{ type: 'webhook', url: 'https://hooks.example.com/x' }],
    };
    assert.equal((await call('POST', '/api/v1/alerts', alert)).status, 400);
    assert.equal((await call('POST', '/api/v1/alerts', { ...alert, search: { saved: own.id } })).status, 201);
    assert.equal((await call('DELETE', `/api/v1/saved/${own.id}`)).status, 204);
  }
});

test('there are no more saved searches than configured', async () => {
  const call = caller(await createTestServer([], { saved: { max: 2 } }));
  for (const status of [201, 201, 409])
    assert.equal((await call('POST', '/api/v1/saved', errors)).status, status);
  const line = JSON.stringify({ id: 'x', ...errors });
  assert.equal((await call('POST', '/api/v1/saved/import', line)).body.error.code, 'LIMIT');
  // Lines behind are not read: eight megabytes of them keep a server busy for seconds.
  const many = `${[1, 2, 3].map((id) => JSON.stringify({ id: `${id}`, name: 'x' })).join('\n')}\n{`;
  assert.equal((await call('POST', '/api/v1/saved/import', many)).body.error.code, 'LIMIT');
});

test('a file of saved searches brings another server to the same, however often', async () => {
  const from = caller(await createTestServer());
  for (const name of ['one', 'two']) await from('POST', '/api/v1/saved', { ...errors, name });
  const file = (await from('GET', '/api/v1/saved/export')).body as string;
  const to = caller(await createTestServer());
  assert.deepEqual((await to('POST', '/api/v1/saved/import', file)).body, {
    created: 2,
    replaced: 0,
    unchanged: 0,
  });
  assert.deepEqual((await to('POST', '/api/v1/saved/import', file)).body.unchanged, 2);
  const edited = file.replace('"one"', '"uno"');
  assert.deepEqual((await to('POST', '/api/v1/saved/import', edited)).body, {
    created: 0,
    replaced: 1,
    unchanged: 1,
  });
  const names = (await to('GET', '/api/v1/saved')).body.saved.map(({ name }: { name: string }) => name);
  assert.deepEqual(names.sort(), ['two', 'uno']);
});

test('a file with a bad line is refused as a whole, and the line is named', async () => {
  const call = caller(await createTestServer());
  const good = JSON.stringify({ id: 'good', name: 'good' });
  for (const [bad, message] of [
    ['{', /line 3: not JSON/],
    ['{"id":"a b","name":"x"}', /line 3: id/],
    ['{"id":"x","name":"x","q":"("}', /line 3: query/],
    [good, /line 3: id good is there twice/],
  ] as const) {
    const { status, body } = await call('POST', '/api/v1/saved/import', `${good}\n\n${bad}\n`);
    assert.equal(status, 400, bad);
    assert.match(body.error.message, message);
  }
  assert.deepEqual((await call('GET', '/api/v1/saved')).body.saved, []);
  assert.equal((await call('POST', '/api/v1/saved/import', { id: 'x' })).status, 415);
});
