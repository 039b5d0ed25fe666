import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Scope } from '../access/access.ts';
import { hotFinder } from '../find/finder.ts';
import { createFakeStore, type FakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testLimits } from '../testing/test-server.ts';

function event(second: number, message: string, more: Record<string, unknown> = {}): FakeDocument {
  const time = `2026-11-22T10:${String(20 + Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}.000Z`;
  return {
    id: `e${second}`,
    source: { '@timestamp': time, message, log: { offset: second, file: { path: '/a' } }, ...more },
    sort: [time, '/a', 'g', second, 0],
  };
}

const five = [
  event(0, 'login of ann', { log: { level: 'info' }, fields: { who: 'ann', ms: 10 } }),
  event(10, 'login of bob', { log: { level: 'error' }, fields: { who: 'bob', ms: 9 } }),
  event(70, 'login of ann', { log: { level: 'error' }, fields: { who: 'ann', ms: 100 } }),
  event(80, 'logout', { fields: { who: 'eve' } }),
  event(90, 'logout'),
];

const search = (q: string, more: Record<string, string> = {}) =>
  `/api/v1/search?${new URLSearchParams({ q, source: 'hot', ...more })}`;

test('what the store can count, it counts: no event is read', async () => {
  const { get, store } = await createTestServer(five);
  store.counts = {
    f0_0: {
      buckets: [
        { value: 'error', count: 2 },
        { value: 'info', count: 1 },
      ],
      other: 0,
    },
    f0_1: { parts: { values: { buckets: [{ value: 'odd', count: 2 }], other: 0 } } },
  };
  const { body, status } = await get(search('login | count by level'));
  assert.equal(status, 200);
  assert.deepEqual(body.table, {
    columns: [
      { name: 'level', type: 'text' },
      { name: 'count', type: 'number' },
    ],
    rows: [
      ['error', 2],
      ['odd', 2],
      ['info', 1],
    ],
  });
  assert.deepEqual([body.hits, body.partial, body.next_cursor], [[], [], null]);
  assert.deepEqual(body.total, { value: 5, relation: 'eq' });
  assert.equal(store.searches.length, 0);
  const [asked] = store.aggregations;
  assert.equal(asked?.timeMsMax, testLimits.query_ms_max);
  assert.deepEqual(asked?.parts.f0_1, {
    type: 'filter',
    query: { bool: { must_not: [{ exists: { field: 'log.level' } }] } },
    parts: {
      values: { type: 'values', field: 'kv', prefix: 'level=', size: 10_000, order: 'most', parts: {} },
    },
  });
});

test('what the store has and what it lacks is counted each in its place; where it has all, no event is read', async () => {
  const besides = [event(0, 'login of ann', { log: { level: 'info' } })];
  const rows = async (more: Parameters<typeof createTestServer>[5]) => {
    const { get, store } = await createTestServer(five, {}, undefined, undefined, undefined, more);
    store.counts = { f0_0: { buckets: [{ value: 'error', count: 2 }], other: 0 } };
    const { body } = await get(search('login | count by level', { source: 'auto' }));
    assert.equal(store.searches.length, 0);
    return [body.table.rows, body.partial];
  };
  assert.deepEqual(await rows({}), [[['error', 2]], []]);
  const beside = async () => hotFinder(createFakeStore(besides));
  assert.deepEqual(await rows({ beside }), [
    [
      ['error', 2],
      ['info', 1],
    ],
    [],
  ]);
});

test('while the store is down, the finder is asked, which knows the archive', async () => {
  const finder = hotFinder(createFakeStore(five));
  const { get, store } = await createTestServer([], {}, undefined, undefined, undefined, { finder });
  store.before = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'down'));
  const { body } = await get(search('| count', { source: 'auto' }));
  assert.deepEqual(body.table.rows, [[5]]);
  assert.equal((await get(search('| count'))).status, 503);
});

test('rows beyond those that are shown are not read', async () => {
  const { get } = await createTestServer(five, { limits: { ...testLimits, rows_max: 2 } });
  const { body } = await get(search('| head 1000000', { size: '1' }));
  assert.deepEqual([body.hits.length, body.partial[0].code], [2, 'rows']);
  assert.deepEqual(body.total, { value: 3, relation: 'gte' });
});

test('a count that the store cut, or that has more groups than are kept, says so', async () => {
  const { get, store } = await createTestServer(five);
  const whole = store.aggregate;
  store.counts = { f0_0: { buckets: [{ value: 'x', count: 1 }], other: 7 } };
  store.aggregate = async (request, signal) => ({ ...(await whole(request, signal)), cut: true });
  const { body } = await get(search('| count by host'));
  assert.deepEqual(
    body.partial.map(({ code }: { code: string }) => code),
    ['time', 'buckets'],
  );
  assert.equal(body.total.relation, 'gte');
});

test('what the store cannot count is counted from the events', async () => {
  const { get } = await createTestServer(five);
  const rows = async (q: string) => (await get(search(q))).body.table.rows;
  assert.deepEqual(await rows('| count by message'), [
    ['login of ann', 2],
    ['logout', 2],
    ['login of bob', 1],
  ]);
  assert.deepEqual(await rows('| head 3 | count by level'), [['error', 1]]);
  assert.deepEqual(await rows('| dedup who | count'), [[4]]);
  assert.deepEqual(await rows('| patterns 2'), [
    ['logout', 2],
    ['login of ann', 2],
  ]);
});

test('pipes that choose events answer hits, all at once', async () => {
  const { get } = await createTestServer(five);
  const ids = async (q: string, more = {}) => {
    const { body } = await get(search(q, more));
    assert.deepEqual([body.next_cursor, body.table, body.partial], [null, undefined, []], q);
    return body.hits.map(({ id, count }: { id: string; count?: number }) => [id, count]);
  };
  assert.deepEqual(await ids('| head 2', { size: '1' }), [
    ['e90', undefined],
    ['e80', undefined],
  ]);
  assert.deepEqual(await ids('| sort -ms | head 2'), [
    ['e70', undefined],
    ['e0', undefined],
  ]);
  assert.deepEqual(await ids('| dedup message'), [
    ['e90', 2],
    ['e70', 2],
    ['e10', 1],
  ]);
  assert.deepEqual(await ids('| sort @timestamp | dedup message'), [
    ['e0', 2],
    ['e10', 1],
    ['e80', 2],
  ]);
});

test('an order by time and a choice of fields leave paging as it is', async () => {
  const { get } = await createTestServer(five);
  const q = '| sort @timestamp | fields message, who';
  const { body } = await get(search(q, { size: '2' }));
  assert.deepEqual(
    body.hits.map(({ id, message, fields, level }: Record<string, unknown>) => [id, message, fields, level]),
    [
      ['e0', 'login of ann', { who: 'ann' }, undefined],
      ['e10', 'login of bob', { who: 'bob' }, undefined],
    ],
  );
  const next = await get(search(q, { size: '2', cursor: body.next_cursor }));
  assert.deepEqual(
    next.body.hits.map(({ id }: { id: string }) => id),
    ['e70', 'e80'],
  );
});

test('a timechart has the width asked for, or one that fits the time', async () => {
  const { get, store } = await createTestServer(five);
  const time = { from: '2026-11-22T10:20', to: '2026-11-22T10:21' };
  store.counts = { time: { buckets: [{ value: Date.UTC(2026, 10, 22, 10, 20), count: 2 }] } };
  const wide = (await get(search('| timechart 1m', time))).body;
  assert.deepEqual(wide.table.rows, [
    ['2026-11-22T10:20:00.000Z', 2],
    ['2026-11-22T10:21:00.000Z', 0],
  ]);
  const chosen = (await get(search('| timechart', time))).body;
  assert.equal(chosen.table.rows.length, 60);
  const open = (await get(search('| timechart 1m', { from: '*' }))).body;
  assert.equal(open.table.rows[0][0], '2026-11-22T10:20:00.000Z');
  const refused = await get(search('x | timechart 1ms', time));
  assert.equal(refused.status, 400);
  assert.deepEqual(refused.body.error.at, { start: 2, end: 17 });
  assert.match(refused.body.error.hint, /wider/);
});

test('who finds nothing by a name that is near a known one is told', async () => {
  const { get } = await createTestServer([]);
  const { body } = await get(search('levle:error | head 5'));
  assert.deepEqual(body.hints, [{ name: 'levle', suggestion: 'level', at: { start: 0, end: 11 } }]);
  assert.deepEqual(
    (await get(search('http.response.status:500'))).body.hints?.[0].suggestion,
    'http.response.status_code',
  );
  const found = await createTestServer(five);
  assert.equal((await found.get(search('levle:error'))).body.hints, undefined);
});

test('nobody is told to ask by a field that is hidden from them', async () => {
  const server = await createTestServer([]);
  server.asker.access = { ...server.asker.access, redact: ['host'] };
  assert.equal((await server.get(search('hots:web'))).body.hints, undefined);
  assert.equal((await server.get(search('levle:error'))).body.hints.length, 1);
});

test('days that only the archive has are told, where it is not looked into', async () => {
  const unmarked = { read: async () => new Map() };
  const codes = async (q: string, scopes: Scope[], more: object) => {
    const server = await createTestServer([], {}, undefined, undefined, undefined, more);
    server.store.horizonDates.set('app', '2026.11.20');
    server.asker.access = { ...server.asker.access, scopes: new Set(scopes) };
    const { body } = await server.get(search(q, { source: 'auto', from: 'now-5d' }));
    return body.partial.map(({ code }: { code: string }) => code);
  };
  for (const q of ['x', 'x | count']) {
    assert.deepEqual(await codes(q, ['search', 'archive'], { unmarked }), []);
    assert.deepEqual(await codes(q, ['search'], { unmarked }), ['no_archive']);
    assert.deepEqual(await codes(q, ['search', 'archive'], {}), ['no_archive']);
  }
});

test('a page comes from the archive while the store is down, also where the store has everything', async () => {
  const more = { finder: hotFinder(createFakeStore(five)), unmarked: { read: async () => new Map() } };
  const { get, store } = await createTestServer([], {}, undefined, undefined, undefined, more);
  store.before = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'down'));
  const { body } = await get(search('', { source: 'auto' }));
  assert.equal(body.hits.length, 5);
  assert.equal((await get(search(''))).status, 503);
});

test('events are read no longer than a search may take', async () => {
  const { get, store } = await createTestServer(five);
  const whole = store.search;
  store.search = async (request, signal) => ({ ...(await whole(request, signal)), cut: true });
  const { body } = await get(search('| dedup who'));
  assert.equal(body.partial[0].code, 'time');
  assert.equal(store.searches[0]?.timeMsMax, testLimits.query_ms_max);
});

test('bounds of events, rows and time are told', async () => {
  const partial = async (limits: Partial<typeof testLimits>, q: string) => {
    const { get } = await createTestServer(five, { limits: { ...testLimits, ...limits } });
    const { body } = await get(search(q, { size: '1' }));
    assert.equal(body.total.relation, body.partial.length === 0 ? 'eq' : 'gte');
    return body.partial.map(({ code, message }: { code: string; message: string }) => [
      code,
      message.match(/\d+/)?.[0],
    ]);
  };
  assert.deepEqual(await partial({ events_max: 3 }, '| count by message'), [['rows', '3']]);
  assert.deepEqual(await partial({ rows_max: 2 }, '| sort ms'), [['rows', '2']]);
  assert.deepEqual(await partial({ held_max: 2 }, '| dedup message'), [['rows', '2']]);
  assert.deepEqual(await partial({ groups_max: 2 }, '| count by message'), [['buckets', '2']]);
  assert.deepEqual(await partial({}, '| count by message'), []);
});

test('hidden fields are neither counted nor seen through what is counted', async () => {
  const server = await createTestServer(five);
  server.asker.access = { ...server.asker.access, redact: ['who'] };
  for (const q of [
    '| count by who',
    '| top who',
    '| sort who',
    '| dedup fields.who',
    '| fields who',
    '| timechart by who',
  ]) {
    const { status, body } = await server.get(search(q));
    assert.equal(status, 403, q);
    assert.equal(q.slice(body.error.at.start, body.error.at.end).replace('fields.', ''), 'who');
  }
  // Messages hold what is hidden.
  for (const q of ['| count by message', '| dedup message'])
    assert.equal((await server.get(search(q))).status, 403, q);
  const patterns = await server.get(search('| patterns'));
  assert.equal(patterns.status, 200);
  assert.doesNotMatch(JSON.stringify(patterns.body), /ann|bob|eve/);
});
