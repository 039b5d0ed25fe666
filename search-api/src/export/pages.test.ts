import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcherOf } from '@millrace/core/query/match.ts';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import type { SearchRequest } from '@millrace/core/store/port.ts';
import { unlimitedAccess } from '../access/access.ts';
import type { Finder, FindRequest } from '../find/finder.ts';
import { plan } from '../plan.ts';
import { createFakeStore, type FakeDocument, fakeDocument } from '../testing/fake-store.ts';
import { finderPages, storePages } from './pages.ts';

const startMs = Date.UTC(2026, 10, 22);

/** A store that looks at queries, of documents at these milliseconds after the start. */
function storeOf(times: number[], message = 'x') {
  const documents = times.map((ms, i) =>
    fakeDocument(new Date(startMs + ms).toISOString(), '/a', i, message),
  );
  const store = createFakeStore(documents);
  const searches: SearchRequest[] = [];
  let [running, runningMax] = [0, 0];
  store.search = async (request) => {
    searches.push(request);
    runningMax = Math.max(runningMax, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    const matches = matcherOf(request.query);
    const found = documents.filter(({ id, source }) => matches(id, source));
    return createFakeStore(found as FakeDocument[]).search(request);
  };
  return { store, searches, runningMax: () => runningMax };
}

async function read(times: number[], order: 'asc' | 'desc', from = '*', message?: string) {
  const { store, searches, runningMax } = storeOf(times, message);
  const what = plan({ q: '', from, to: '*' }, startMs, unlimitedAccess('test'));
  const pages = storePages(store, { plan: what, order, parallel: 2 }, startMs, AbortSignal.timeout(60_000));
  const ids: string[] = [];
  for await (const page of pages) ids.push(...page.map(({ id }) => id));
  return { ids, searches, runningMax: runningMax() };
}

const everySecond = Array.from({ length: 14_000 }, (_, i) => i * 1000);

test('every event comes once and in order, over many windows', async () => {
  const expected = everySecond.map((_, i) => `/a:${i}`);
  const { ids, searches } = await read(everySecond, 'asc');
  assert.deepEqual(ids, expected);
  assert.ok(searches.length > 4);
  assert.deepEqual((await read(everySecond, 'desc')).ids, expected.toReversed());
});

test('more events within a moment than a page has are read page by page', async () => {
  const dense = [0, ...Array.from({ length: 13_000 }, () => 5), 10];
  const { ids } = await read(dense, 'asc');
  assert.equal(new Set(ids).size, dense.length);
  assert.equal(ids.length, dense.length);
});

test('events far outside of most others are not left out', async () => {
  const { ids } = await read([0, 86_400_000 * 300, 86_400_000 * 600], 'desc', '2000-01-01');
  assert.deepEqual(ids, ['/a:2', '/a:1', '/a:0']);
  assert.deepEqual((await read([], 'asc')).ids, []);
});

test('the next window is read while one is written, and no more than configured', async () => {
  assert.equal((await read(everySecond, 'asc')).runningMax, 2);
});

test('documents that grow from one page to the next are read in smaller pages', async () => {
  const { store } = storeOf(Array.from({ length: 2_000 }, (_, i) => i));
  const { search } = store;
  const asked: number[] = [];
  let refused = 0;
  store.search = async (request, signal) => {
    asked.push(request.size);
    // Behind the first page, no more than eight documents fit.
    if (request.after === undefined || request.size <= 8) return search(request, signal);
    refused++;
    throw new StoreRejection(413, 'too large');
  };
  const what = plan({ q: '', from: '*', to: '*' }, startMs, unlimitedAccess('test'));
  const request = { plan: what, order: 'asc', parallel: 2 } as const;
  const pages = storePages(store, request, startMs, AbortSignal.timeout(60_000));
  const ids: string[] = [];
  for await (const page of pages) {
    ids.push(...page.map(({ id }) => id));
    if (ids.length > 1_100) break;
  }
  assert.deepEqual(
    ids,
    ids.map((_, i) => `/a:${i}`),
  );
  assert.ok(refused > 0 && ids.length > 1_100, `${asked}`);
});

test('the pages of a finder are bounded by bytes too', async () => {
  const large = 'x'.repeat(1_000_000);
  const finder = async function* () {
    for (let i = 0; i < 20; i++)
      yield { ...fakeDocument(new Date(startMs + i).toISOString(), '/a', i, large), index: 'i' };
    return { partial: [] };
  };
  const what = plan({ q: '', from: '*', to: '*' }, startMs, unlimitedAccess('test'));
  const request = { plan: what, source: 'archive', order: 'asc', limit: 100, highlight: false } as const;
  const sizes: number[] = [];
  const pages = finderPages(finder as Finder, request as FindRequest, AbortSignal.timeout(60_000));
  for await (const page of pages) sizes.push(page.length);
  assert.deepEqual(sizes, [9, 9, 2]);
});

test('pages of large documents have few of them', async () => {
  const large = 'x'.repeat(100_000);
  const { searches } = await read(
    Array.from({ length: 1_500 }, (_, i) => i),
    'asc',
    '*',
    large,
  );
  const sizes = searches.map(({ size }) => size).filter((size) => size > 1);
  assert.equal(sizes[0], 1_000);
  for (const size of sizes.slice(1)) assert.ok(size < 100, String(size));
});
