import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testNowMs } from '../testing/test-server.ts';
import { type Access, type Scope, scopes, unlimitedAccess } from './access.ts';
import { visible } from './allowed.ts';

const everything = unlimitedAccess('key:all');
const at = new Date(testNowMs - 1000).toISOString();

/** A request that each scope's routes take. */
const requests: [scope: Scope, url: string][] = [
  ['search', '/api/v1/search'],
  ['search', '/api/v1/histogram'],
  ['ledger', '/api/v1/ledger'],
  ['replay', '/api/v1/replays'],
  ['replay', '/api/v1/replays/AAAAAAAAAAAA'],
  ['metrics', '/metrics'],
];

test('a route answers whoever has its scope, and nobody else', async () => {
  const { get, asker, store } = await createTestServer();
  for (const [scope, url] of requests) {
    asker.access = { ...everything, scopes: new Set(scopes.filter((one) => one !== scope)) };
    const { status, body } = await get(url);
    assert.equal(status, 403, url);
    assert.equal(body.error.code, 'FORBIDDEN', url);
    assert.match(body.error.message, new RegExp(`scope ${scope}$`), url);
    asker.access = { ...everything, scopes: new Set([scope]) };
    assert.notEqual((await get(url)).status, 403, url);
  }
  assert.equal(store.searches.length, 1);
});

test('a route that names no scope and is not open keeps the server from starting', async () => {
  const { api } = await createTestServer();
  api.get('/api/v1/forgotten', () => 'x');
  await assert.rejects(async () => api.ready(), /name no scope and are not open: .*GET \/api\/v1\/forgotten/);
});

test('a query about a hidden field is refused, wherever the field stands in it', async () => {
  const { get, asker, store } = await createTestServer();
  asker.access = { ...everything, redact: ['user', 'source.ip'] };
  for (const q of [
    'user:bob',
    'a OR (b AND NOT fields.user.id:1)',
    '_exists_:user.name',
    'user.id:*',
    'remote:10.0.0.0/8',
    'source.address:/1.*/',
    'user.age:[1 TO 9]',
    'user\\.id:1',
    'a | count by tag, user',
    'a | fields tag, source.ip',
    'a | top 5 message',
    'a | sort fields.user.id | head 3',
  ]) {
    for (const route of ['search', 'histogram']) {
      const { status, body } = await get(`/api/v1/${route}?q=${encodeURIComponent(q)}`);
      assert.equal(status, 403, q);
      assert.equal(body.error.code, 'FORBIDDEN', q);
      assert.ok(body.error.at.end > body.error.at.start, q);
    }
  }
  assert.equal(store.searches.length + store.histograms.length, 0);
  for (const q of ['bob username:bob', 'a | fields message | head 3', 'a | count by tag | sort count'])
    assert.equal((await get(`/api/v1/histogram?q=${encodeURIComponent(q)}`)).status, 200, q);
});

test('the ledger and replays are for who sees all of the logs', async () => {
  const { get, asker } = await createTestServer();
  for (const limits of [{ tags: ['a'] }, { hosts: ['a'] }, { streams: ['a'] }, { redact: ['a'] }]) {
    asker.access = { ...everything, ...limits };
    for (const url of ['/api/v1/ledger', '/api/v1/replays', '/api/v1/replays/AAAAAAAAAAAA'])
      assert.equal((await get(url)).status, 403, url);
  }
});

test('hits come without what is hidden', async () => {
  const document = fakeDocument(at, '/a.log', 0, 'bob came');
  document.source.fields = { user: 'bob' };
  const { get, asker } = await createTestServer([document]);
  asker.access = { ...everything, redact: ['user'] };
  const { body } = await get('/api/v1/search');
  assert.equal(body.hits[0].message, '[redacted] came');
  assert.doesNotMatch(JSON.stringify(body), /bob/);
});

test('an event is visible to whom its plan would show it', () => {
  const hit = { index: 'i', ...fakeDocument(at, '/a.log', 0, 'x') };
  const sees = (limits: Partial<Access>) => visible(hit, { ...everything, ...limits });
  assert.equal(sees({}), true);
  assert.equal(sees({ tags: ['app.*', 'app'], hosts: ['web-*'] }), true);
  assert.equal(sees({ tags: ['app.*'] }), false);
  assert.equal(sees({ tags: ['app'], hosts: ['web-2'] }), false);
  assert.equal(sees({ streams: ['logs'] }), false);
});
