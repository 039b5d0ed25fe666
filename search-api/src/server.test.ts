import assert from 'node:assert/strict';
import { get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import { unlimitedAccess } from './access/access.ts';
import { fakeDocument } from './testing/fake-store.ts';
import { createTestServer, testNowMs } from './testing/test-server.ts';

const at = (seconds: number) => new Date(testNowMs - seconds * 1000).toISOString();
const search = (parameters: Record<string, string>) => `/api/v1/search?${new URLSearchParams(parameters)}`;

test('a search answers hits, newest first, with what a person needs', async () => {
  const { get, store } = await createTestServer([
    fakeDocument(at(20), '/a.log', 0, 'older'),
    { ...fakeDocument(at(10), '/a.log', 6, 'newer one'), highlight: '\u0001newer\u0002 one' },
  ]);
  const { status, body } = await get(search({ q: 'newer' }));
  assert.equal(status, 200);
  assert.deepEqual(body, {
    took_ms: 1,
    total: { value: 2, relation: 'eq' },
    hits: [
      {
        id: '/a.log:6',
        '@timestamp': at(10),
        message: 'newer one',
        tag: 'app',
        host: 'web-1',
        file: '/a.log',
        offset: 6,
        generation: 'generation-of-/a.log',
        highlight: [[0, 5]],
      },
      {
        id: '/a.log:0',
        '@timestamp': at(20),
        message: 'older',
        tag: 'app',
        host: 'web-1',
        file: '/a.log',
        offset: 0,
        generation: 'generation-of-/a.log',
      },
    ],
    next_cursor: null,
    prev_cursor: null,
    partial: [],
  });
  assert.deepEqual(store.searches[0]?.query, {
    bool: {
      filter: [
        { range: { '@timestamp': { gte: '2026-11-22T10:15:00.000000000Z' } } },
        { term: { message: { value: 'newer' } } },
      ],
    },
  });
  assert.ok(store.searches[0]?.indices.includes('millrace-*-2026.11.22'));
});

test('without bounds and words, everything of one stream is asked for', async () => {
  const { get, store } = await createTestServer();
  const { body } = await get(search({ from: '*', stream: 'app', sort: 'asc', size: '0' }));
  assert.deepEqual(body.hits, []);
  const [request] = store.searches;
  assert.deepEqual(request?.query, { match_all: {} });
  assert.deepEqual(request?.indices, ['millrace-app-*.*']);
  assert.equal(request?.size, 0);
  assert.equal(request?.highlight, false);
});

const refused: [string, RegExp, RegExp][] = [
  ['/api/v1/search?query=x', /unknown parameter "query"/, /known are q/],
  ['/api/v1/search?fron=now-1h', /unknown parameter "fron"/, /did you mean "from"\?/],
  ['/api/v1/search?size=1001', /a page has 1000 rows at most/, /next_cursor/],
  ['/api/v1/search?size=10000', /parameter size/, /complete example/],
  ['/api/v1/search?highlight=yes', /parameter highlight/, /complete example/],
  ['/api/v1/search?fields=hots', /hits have no field "hots"/, /did you mean "host"\?.* fields\.hots/],
  ['/api/v1/search?fields=host,status', /no field "status"/, /"http\.response\.status_code"/],
  ['/api/v1/search?fields=host,,file', /no field ""/, /names are those of hits/],
  ['/api/v1/search?fields=kv', /no field "kv"/, /fields\.kv/],
  ['/api/v1/search?size=-1', /parameter size/, /complete example/],
  ['/api/v1/search?size=ten', /parameter size/, /complete example/],
  ['/api/v1/search?size=', /parameter size/, /complete example/],
  ['/api/v1/search?size=true', /parameter size/, /complete example/],
  ['/api/v1/search?size=0x10', /parameter size/, /complete example/],
  ['/api/v1/search?size=5.7', /parameter size/, /complete example/],
  ['/api/v1/search?size=5&size=6', /parameter size/, /complete example/],
  ['/api/v1/search?sort=up', /parameter sort/, /complete example/],
  ['/api/v1/search?q=a&q=b', /parameter q/, /complete example/],
  ['/api/v1/search?stream=A-*', /parameter stream/, /complete example/],
  ['/api/v1/search?from=15m', /parameter from: "15m" is not a time/, /did you mean now-15m\?/],
  ['/api/v1/search?from=now&to=now-1h', /is after/, /exchange/],
  ['/api/v1/search?q=%22open', /query, character 1/, /close it/],
  ['/api/v1/search?cursor=x', /cursor is damaged/, /next_cursor/],
  ['/api/v1/histogram?buckets=10&interval=1m', /exclude/, /pass/],
  ['/api/v1/histogram?from=now-1d&interval=1ms', /more than 1000 buckets/, /wider/],
  ['/api/v1/histogram?interval=999999w', /after the year 2262/, /narrower/],
  ['/api/v1/histogram?from=1970-01-01&to=2262-04-11T00:00Z', /after the year 2262/, /earlier/],
  ['/api/v1/histogram?interval=1x', /parameter interval/, /example/],
  ['/healthz?verbose=1', /unknown parameter/, /known are/],
];

test('bad input is 400 with what is wrong and what to do', async () => {
  const { get, store } = await createTestServer();
  for (const [url, message, hint] of refused) {
    const { status, body } = await get(url);
    assert.equal(status, 400, url);
    assert.equal(body.error.code, 'QUERY_INVALID', url);
    assert.match(body.error.message, message, url);
    assert.match(body.error.hint, hint, url);
  }
  assert.equal(store.searches.length + store.histograms.length, 0);
});

test('a refused query says where in its text, and pipes are no matter to a histogram', async () => {
  const { get } = await createTestServer([fakeDocument(at(1), '/a', 0, 'x')]);
  const { status, body } = await get(search({ q: 'x | cuont by tag' }));
  assert.equal(status, 400);
  assert.deepEqual(body.error.at, { start: 4, end: 9 });
  assert.match(body.error.hint, /did you mean "count"/);
  const histogram = await get(`/api/v1/histogram?${new URLSearchParams({ q: 'x | count by tag' })}`);
  assert.equal(histogram.status, 200);
});

test('the longest query passes through the address', async () => {
  const { get } = await createTestServer();
  const words = Array.from({ length: 250 }, () => '오류'.repeat(15)).join(' ');
  assert.equal((await get(search({ q: words }))).status, 200);
});

test('a histogram has round buckets over the time asked for', async () => {
  const { get, store } = await createTestServer([fakeDocument(at(30), '/a', 0, 'x')]);
  const { status, body } = await get('/api/v1/histogram?from=now-1h&buckets=60');
  assert.equal(status, 200);
  assert.equal(body.interval_ms, 60_000);
  assert.equal(body.from, at(3600));
  assert.equal(body.to, at(0));
  assert.equal(body.buckets.length, 60);
  assert.deepEqual(body.buckets.at(-1), { from: at(60), count: 1 });
  const fixed = await get('/api/v1/histogram?from=now-1h&to=now-30m&interval=5m');
  assert.equal(fixed.body.interval_ms, 300_000);
  assert.equal(store.histograms[1]?.toMs, testNowMs - 1_800_000);
});

test('a histogram of what is yet to come does not end before it begins', async () => {
  const { get } = await createTestServer();
  const { body } = await get('/api/v1/histogram?from=now%2B1h');
  assert.equal(body.from, at(-3600));
  assert.equal(body.to, at(-3600));
});

test('a histogram without a beginning starts with the oldest event', async () => {
  const { get } = await createTestServer([
    fakeDocument(at(86_400), '/a', 0, 'x'),
    fakeDocument(at(5), '/a', 1, 'y'),
  ]);
  assert.equal((await get('/api/v1/histogram?from=*')).body.from, at(86_400));
  const empty = await createTestServer();
  assert.equal((await empty.get('/api/v1/histogram?from=*')).body.from, at(900));
});

const failures: [unknown, number, string][] = [
  [new MillraceError('STORE_UNAVAILABLE', 'connect ECONNREFUSED 10.1.2.3:9200'), 503, 'STORE_UNAVAILABLE'],
  [new StoreRejection(400, 'search_phase_execution_exception'), 502, 'STORE_REJECTED'],
  [new MillraceError('DEADLINE', 'slow'), 504, 'DEADLINE'],
  [new TypeError('x is not a function'), 500, 'INTERNAL'],
];

test('failures of the store have their status and tell nothing of its inside', async () => {
  for (const [error, status, code] of failures) {
    const { get, store } = await createTestServer();
    store.before = () => Promise.reject(error);
    for (const url of ['/api/v1/search', '/api/v1/histogram']) {
      const answer = await get(url);
      assert.equal(answer.status, status);
      assert.equal(answer.body.error.code, code);
      assert.ok(answer.body.error.hint);
      assert.doesNotMatch(JSON.stringify(answer.body), /10\.1\.2\.3|exception|function/);
      assert.equal(answer.headers['retry-after'], status === 503 ? '2' : undefined);
    }
  }
});

test('a store that does not answer in time is 504, and its request is aborted', {
  timeout: 10_000,
}, async () => {
  const { get, store } = await createTestServer([], { request_timeout_ms: 50 });
  let aborted = false;
  store.before = (signal) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        aborted = true;
        reject(new MillraceError('STORE_UNAVAILABLE', 'aborted'));
      });
    });
  const { status, body } = await get('/api/v1/search');
  assert.equal(status, 504);
  assert.equal(body.error.code, 'DEADLINE');
  assert.ok(aborted);
});

test('a client that goes away aborts the request in the store', { timeout: 10_000 }, async (t) => {
  const { api, store } = await createTestServer();
  t.after(() => api.close());
  const asked = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  store.before = (signal) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        aborted.resolve();
        reject(new MillraceError('STORE_UNAVAILABLE', 'aborted'));
      });
      asked.resolve();
    });
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const request = httpGet({ host: '127.0.0.1', port, path: '/api/v1/search' });
  request.on('error', () => {});
  await asked.promise;
  request.destroy();
  await aborted.promise;
});

test('more searches at a time than configured are 429, and room is made again', {
  timeout: 10_000,
}, async () => {
  const { get, store } = await createTestServer([], { requests_max: 1 });
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  store.before = () => {
    entered.resolve();
    return gate.promise;
  };
  const first = get('/api/v1/search');
  await entered.promise;
  const second = await get('/api/v1/search');
  assert.equal(second.status, 429);
  assert.equal(second.body.error.code, 'BUSY');
  assert.equal((await get('/healthz')).status, 200);
  gate.resolve();
  assert.equal((await first).status, 200);
  assert.equal((await get('/api/v1/search')).status, 200);
});

test('who goes away while it is looked up who asks takes no place of others', async (t) => {
  const known = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const gate = {
    closed: false,
    cookie: '',
    identify: async () => {
      begun.resolve();
      await known.promise;
      return { access: unlimitedAccess('test') };
    },
  };
  const server = await createTestServer([], { requests_max: 1 }, undefined, undefined, undefined, { gate });
  await server.api.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.api.close());
  const { port } = server.api.server.address() as AddressInfo;
  const request = httpGet({ host: '127.0.0.1', port, path: '/api/v1/search', agent: false });
  request.on('error', () => {});
  await begun.promise;
  request.destroy();
  // The server learns of it in its own time.
  await new Promise((resolve) => setTimeout(resolve, 100));
  known.resolve();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await server.get('/api/v1/search')).status, 200);
  assert.equal(server.store.searches.length, 1);
});

test('health, readiness and metrics', async () => {
  const { get, store } = await createTestServer();
  assert.deepEqual((await get('/healthz')).body, { status: 'ok' });
  assert.deepEqual((await get('/readyz')).body, { status: 'ok', store: 'fake 1.0.0' });
  await get('/api/v1/search');
  await get('/api/v1/search?q=(');
  const metrics = await get('/metrics');
  assert.match(String(metrics.headers['content-type']), /^text\/plain/);
  assert.match(metrics.body, /^millrace_search_api_requests_total 2$/m);
  assert.match(metrics.body, /^millrace_search_api_query_refused_total 1$/m);
  store.before = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'down'));
  assert.equal((await get('/readyz')).status, 503);
  assert.equal((await get('/healthz')).status, 200);
});
