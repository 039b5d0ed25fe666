import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { AggregateResult } from '@millrace/core/store/aggregation.ts';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import { unlimitedAccess } from '../access/access.ts';
import { type FakeDocument, fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testLimits, testNowMs } from '../testing/test-server.ts';

// The engines' own counts are held to counts by hand in e2e/search/facets.test.ts.
const at = (seconds: number) => new Date(testNowMs - seconds * 1000).toISOString();

function values(counts: [value: string, count: number][], other = 0): AggregateResult {
  const count = counts.reduce((sum, [, each]) => sum + each, other);
  const buckets = counts.map(([value, each]) => ({ value, count: each }));
  return { count, parts: { values: { buckets, other }, distinct: { distinct: counts.length } } };
}

const refused: [url: string, status: number, message: RegExp][] = [
  ['facets?fields=a,,b', 400, /a name is missing/],
  [`facets?fields=${Array.from({ length: 21 }, (_, i) => `f${i}`)}`, 400, /more than 20 names/],
  ['facets?size=101', 400, /more than 100 values/],
  ['fields/values?field=tag&size=101', 400, /more than 100 values/],
  ['facets?fields=message', 400, /cannot be counted/],
  ['facets?fields=_id', 400, /cannot be counted/],
  ['fields/values', 400, /field/],
  ['fields/stats?field=message', 400, /cannot be counted/],
  ['histogram?by=message', 400, /cannot be counted/],
  ['patterns?order=best', 400, /order/],
  ['compare?from=*', 400, /without a beginning/],
  ['compare?from=*&with=now-2d..now-1d', 400, /without a beginning/],
  ['compare?with=yesterday', 400, /neither previous nor FROM\.\.TO/],
  ['compare?with=now-1d..', 400, /neither previous/],
  ['compare?with=now-1h..now-2h', 400, /is after/],
  ['status?verbose=1', 400, /unknown parameter/],
];

test('what cannot be counted is refused with the reason', async () => {
  const { get, store } = await createTestServer();
  for (const [url, status, message] of refused) {
    const answer = await get(`/api/v1/${url}`);
    assert.equal(answer.status, status, url);
    assert.match(answer.body.error.message, message, url);
    assert.ok(answer.body.error.hint, url);
  }
  assert.equal(store.aggregations.length, 0);
});

test('hidden fields are not counted, told of or guessed at', async () => {
  const document = fakeDocument(at(1), '/a', 0, 'x');
  document.source.fields = { card: '4711', paid: true };
  const { get, asker, store } = await createTestServer([document]);
  asker.access = { ...unlimitedAccess('key:x'), redact: ['card', 'host'] };
  for (const url of [
    'facets?fields=tag,card',
    'facets?fields=host.name',
    'fields/values?field=fields.card',
    'fields/stats?field=card',
    'histogram?by=host',
  ])
    assert.equal((await get(`/api/v1/${url}`)).status, 403, url);
  assert.equal(store.aggregations.length, 0);
  const { body } = await get('/api/v1/fields');
  const names = body.fields.map(({ name }: { name: string }) => name);
  assert.ok(names.includes('paid') && names.includes('tag'));
  assert.ok(!names.includes('card') && !names.includes('host.name'));
  const usual = await get('/api/v1/facets');
  assert.ok(!usual.body.facets.some(({ field }: { field: string }) => field === 'host.name'));
  const near = await get('/api/v1/facets?fields=carb');
  assert.equal(near.body.facets[0].hint, undefined);
});

test('hidden values are masked before patterns are made of messages', async () => {
  const document = fakeDocument(at(1), '/a', 0, 'paid by bob today');
  document.source.fields = { user: 'bob' };
  const { get, asker, store } = await createTestServer([document]);
  asker.access = { ...unlimitedAccess('key:x'), redact: ['user'] };
  store.counts = { times: { buckets: [{ value: testNowMs - 60_000, count: 1 }] } };
  const { body } = await get('/api/v1/patterns');
  assert.deepEqual(
    [body.patterns[0].template, body.patterns[0].query],
    ['paid by <hidden> today', '"paid by" today'],
  );
  assert.equal(body.patterns[0].example.message, 'paid by [redacted] today');
  assert.equal(store.searches[0]?.fields, undefined, 'the whole document is needed to know what is hidden');
  asker.access = { ...unlimitedAccess('key:x'), redact: ['message'] };
  assert.equal((await get('/api/v1/patterns')).status, 403);
  assert.equal((await get('/api/v1/compare')).status, 403);
});

test('a name that stands for two fields is counted where the event has it first', async () => {
  const { get, store } = await createTestServer([fakeDocument(at(1), '/a', 0, 'x')]);
  store.counts = {
    'f0-0': values(
      [
        ['error', 3],
        ['info', 2],
      ],
      1,
    ),
    'f0-1': values([
      ['info', 4],
      ['odd', 1],
    ]),
  };
  const { body } = await get('/api/v1/facets?fields=level&size=2');
  assert.deepEqual(body.facets[0].values, [
    { value: 'info', count: 6 },
    { value: 'error', count: 3 },
  ]);
  assert.deepEqual([body.facets[0].other, body.facets[0].rough], [2, true]);
  const parts = store.aggregations[0]?.parts['f0-1'];
  assert.ok(parts?.type === 'filter' && JSON.stringify(parts.query).includes('"must_not":[{"exists"'));
});

test('counting that was stopped, and days that are in the archive only, are told', async () => {
  const { get, store } = await createTestServer();
  const aggregate = store.aggregate.bind(store);
  store.aggregate = async (request, signal) => ({ ...(await aggregate(request, signal)), cut: true });
  store.horizonDates.set('app', '2026.11.20').set('bank', '2026.11.22');
  const codes = async (url: string) =>
    (await get(`/api/v1/${url}`)).body.partial.map(({ code }: { code: string }) => code);
  assert.deepEqual(await codes('facets'), ['time']);
  assert.deepEqual(await codes('facets?from=now-1d'), ['time', 'archive_not_counted']);
  assert.deepEqual(await codes('histogram?from=now-1d&by=level&stream=app'), ['time']);
  assert.deepEqual(await codes('histogram?from=*&stream=app'), ['archive_not_counted']);
  assert.deepEqual(await codes('patterns?from=now-5d'), ['time', 'archive_not_counted']);
  assert.deepEqual(await codes('compare?from=now-12h'), ['time', 'time', 'time', 'archive_not_counted']);
});

test('a sample takes of each stretch of time what it may, and its counts stand for all', async () => {
  const documents = Array.from({ length: 400 }, (_, i) => fakeDocument(at(i), '/a', i, `took ${i}ms`));
  const limits = { ...testLimits, patterns_sample_max: 100 };
  const { get, store } = await createTestServer(documents, { limits });
  const bucket = (minutes: number, count: number) => ({ value: testNowMs - minutes * 60_000, count });
  store.counts = { times: { buckets: [bucket(15, 5), bucket(10, 0), bucket(5, 1_000)] } };
  const { body } = await get('/api/v1/patterns');
  assert.deepEqual(
    store.searches.slice(0, 2).map(({ size }) => size),
    [95, 5],
    'newest first; what the quiet stretch does not need goes to the other',
  );
  assert.deepEqual([body.sampled, body.total, body.patterns[0].count], [100, 1_005, 1_005]);
});

test('a comparison needs as long a time before, and tells it', async () => {
  const { get, store } = await createTestServer();
  const { body } = await get('/api/v1/compare?from=now-1h&to=now');
  assert.deepEqual(
    [body.before.from, body.before.to, body.after.from].map((time: string) => time.slice(0, 19)),
    ['2026-11-22T08:29:59', '2026-11-22T09:29:59', '2026-11-22T09:30:00'],
  );
  const other = await get('/api/v1/compare?from=now-1h&with=now-1d..now-23h');
  assert.equal(other.body.before.from.slice(0, 19), '2026-11-21T10:30:00');
  store.before = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'down'));
  assert.equal((await get('/api/v1/compare')).status, 503);
});

test('examples of a comparison are looked for in the days of both times, days of the archive in both', async () => {
  const { get, store } = await createTestServer([fakeDocument(at(1), '/a', 0, 'a fresh line')]);
  store.counts = { times: { buckets: [{ value: testNowMs - 60_000, count: 1 }] } };
  store.horizonDates.set('app', '2026.11.20');
  // The time before has no events.
  const { search, aggregate } = store;
  const isBefore = (indices: string[]) => indices.includes('millrace-*-2026.11.22');
  store.search = async (request, signal) => {
    const answer = await search(request, signal);
    return isBefore(request.indices) ? { ...answer, hits: [] } : answer;
  };
  store.aggregate = async (request, signal) => {
    const answer = await aggregate(request, signal);
    return isBefore(request.indices) ? { ...answer, parts: {} } : answer;
  };
  const { body } = await get('/api/v1/compare?from=now-5d&to=now-4d&with=now-1h..now');
  assert.equal(body.new[0].example.message, 'a fresh line');
  const byId = store.searches.filter(({ query }) => JSON.stringify(query).includes('"ids"'));
  assert.deepEqual(
    byId.map(({ indices }) => indices.at(-1)),
    ['millrace-*-2026.11.22', 'millrace-*-2026.11.18'],
  );
  assert.deepEqual(
    body.partial.map(({ code }: { code: string }) => code),
    ['archive_not_counted'],
  );
});

test('what is to come is no part of a time that is compared', async () => {
  const { get } = await createTestServer();
  const { body } = await get('/api/v1/compare?from=now/d&to=now/d');
  assert.equal(body.before.from.slice(0, 19), '2026-11-21T13:29:59');
});

test('of a slow store fewer events are looked at, some of each stretch of time', async () => {
  const documents = Array.from({ length: 6_000 }, (_, i) => fakeDocument(at(i / 10), '/a', i, 'x'));
  let ms = 0;
  const clock = { ...systemClock, now: () => testNowMs, monotonic: () => (ms += 100) };
  const limits = { ...testLimits, patterns_ms: 10 };
  const server = await createTestServer(documents, { limits }, undefined, undefined, undefined, { clock });
  const { store } = server;
  const minutes = [15, 10, 5].map((ago) => ({ value: testNowMs - ago * 60_000, count: 20_000 }));
  store.counts = { times: { buckets: [...minutes, { value: testNowMs - 1_000, count: 3 }] } };
  const { body } = await server.get('/api/v1/patterns');
  assert.deepEqual(
    store.searches.slice(0, 4).map(({ size }) => size),
    [3, 832, 832, 833],
  );
  assert.deepEqual([body.sampled, body.total, body.partial], [2_500, 60_003, []]);
});

test('a name that means another field is listed as results show it', async () => {
  const document = fakeDocument(at(1), '/a', 0, 'x');
  document.source.fields = { fields: { x: 1 }, plain: 1, tag: 'own' };
  const { get } = await createTestServer([document]);
  const { body } = await get('/api/v1/fields');
  const names = body.fields.slice(-3).map(({ name }: { name: string }) => name);
  assert.deepEqual(names.sort(), ['fields.fields.x', 'fields.tag', 'plain']);
});

test('values that were looked through in part only are told, and so is a name too long to count', async () => {
  const { get, store } = await createTestServer();
  store.counts = { 'f-0': values([['200', 3]], 7) };
  const codes = async (field: string) =>
    (await get(`/api/v1/fields/values?field=${field}&prefix=2`)).body.partial.map(
      ({ code }: { code: string }) => code,
    );
  assert.deepEqual([await codes('log.offset'), await codes('tag')], [['buckets'], []]);
  store.aggregate = async () => {
    throw new StoreRejection(400, 'too long', { hint: 'shorter' });
  };
  const { status, body } = await get('/api/v1/facets?fields=x');
  assert.deepEqual(
    [status, body.error],
    [400, { code: 'QUERY_INVALID', message: 'too long', hint: 'shorter' }],
  );
});

test('figures of a mapping are all only where no event has the field elsewhere', async () => {
  const { get, store } = await createTestServer();
  const numbers = { numbers: { count: 2, sum: 400, min: 200, max: 200, avg: 200 } };
  const figures = async (own: number) => {
    store.counts = { 'f-0': values([['200', 2]]), 'f-1': values([['9', own]]), numbers };
    return (await get('/api/v1/fields/stats?field=status')).body.max;
  };
  assert.deepEqual([await figures(0), await figures(1)], [200, undefined]);
});

test('names are looked for no longer than a search may take', async () => {
  const { get, store } = await createTestServer();
  const { search } = store;
  store.search = async (request, signal) => ({ ...(await search(request, signal)), cut: true });
  assert.equal((await get('/api/v1/fields')).body.partial[0].code, 'time');
  assert.equal(store.searches[0]?.timeMsMax, testLimits.query_ms_max);
});

test('a histogram is parted by any value', async () => {
  const { get, store } = await createTestServer();
  const odd = ['a\nb', '__proto__', ''];
  store.counts = {
    'f-0': values(odd.map((value) => [value, 2])),
    times: {
      buckets: [
        { value: testNowMs, count: 7, parts: { v0: { count: 2 }, v1: { count: 2 }, v2: { count: 2 } } },
      ],
    },
  };
  const { body } = await get('/api/v1/histogram?by=odd');
  assert.deepEqual(Object.entries(body.buckets[0].by).sort(), odd.map((value) => [value, 2]).sort());
  assert.equal(body.buckets[0].other, 1);
});

test('names of fields are those of the newest events, nested ones joined by dots', async () => {
  const documents: FakeDocument[] = Array.from({ length: 4 }, (_, i) => {
    const document = fakeDocument(at(i), '/a', i, 'x');
    document.source.fields = {
      user: { name: 'ann', ids: [1, 2] },
      ...(i === 0 ? { mixed: 1, level: 12 } : { mixed: 'a' }),
    };
    return document;
  });
  const { get } = await createTestServer(documents);
  const { body } = await get('/api/v1/fields');
  const own = body.fields
    .slice(-4)
    .map(({ name, kind, share }: Record<string, unknown>) => [name, kind, share]);
  assert.deepEqual(own, [
    ['mixed', 'mixed', 1],
    ['user.ids', 'number', 1],
    ['fields.user.name', 'text', 1],
    ['fields.level', 'number', 0.25],
  ]);
});
