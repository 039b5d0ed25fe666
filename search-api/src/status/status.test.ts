import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerReport } from '@millrace/archive/ledger/report.ts';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { unlimitedAccess } from '../access/access.ts';
import type { Context } from '../context.ts';
import { LedgerDesk } from '../ledger-desk.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testNowMs } from '../testing/test-server.ts';
import { Fresh } from './fresh.ts';
import { UnmarkedReader } from './unmarked.ts';

const at = (seconds: number) => new Date(testNowMs - seconds * 1000).toISOString();
const index = (stream: string) => ({ index: `millrace-${stream}-2026.11.22`, documents: 1, bytes: 1 });

async function statusServer(ledger?: LedgerDesk, unmarked?: Context['unmarked']) {
  const document = fakeDocument(at(7200), '/a', 0, 'x');
  document.source.event = { ingested: at(7190) };
  const server = await createTestServer([document], {}, ledger, undefined, unmarked);
  server.store.indices = async () => [index('app'), index('bank'), index('bank')];
  const figures = (max: number) => ({ numbers: { count: 1, sum: 1, max } });
  const parts = { event: figures(testNowMs - 5000), ingested: figures(testNowMs - 3000) };
  server.store.counts = { streams: { buckets: [{ value: 'app', count: 1, parts }] } };
  server.store.horizonDates.set('app', '2026.11.01');
  return server;
}

test('a stream is told of by its newest event, a quiet one too', async () => {
  const { get } = await statusServer();
  const { body } = await get('/api/v1/status');
  assert.deepEqual(body, {
    store: 'ok',
    streams: [
      { stream: 'app', newest_event: at(5), newest_ingested: at(3), lag_ms: 2000, horizon: '2026-11-01' },
      { stream: 'bank', newest_event: at(7200), newest_ingested: at(7190), lag_ms: 10_000, horizon: null },
    ],
    archive: null,
    gaps: null,
  });
});

test('many who ask cost one question, and each sees what is for them', async () => {
  const { get, store, asker } = await statusServer();
  await Promise.all([get('/api/v1/status'), get('/api/v1/status'), get('/api/v1/status')]);
  assert.equal(store.aggregations.length, 1);
  asker.access = { ...unlimitedAccess('key:x'), streams: ['ap*'], tags: ['shop'] };
  const { body } = await get('/api/v1/status');
  assert.deepEqual(
    body.streams.map(({ stream }: { stream: string }) => stream),
    ['app'],
  );
  assert.match(JSON.stringify(store.aggregations[1]?.query), /"tag":\{"value":"shop"\}/);
});

test('a store that is down is told, not failed with', async () => {
  const { get, store } = await statusServer();
  store.before = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'down'));
  const { status, body } = await get('/api/v1/status');
  assert.deepEqual([status, body.store, body.streams], [200, 'down', []]);
});

test('objects without a mark are counted, young ones apart, and asked for until they have one', async () => {
  const objects = fakeObjectStore();
  const marks = new Set<string>();
  const asked: string[][] = [];
  const add = (stream: string, n: number, secondsAgo: number) => {
    const hour = Math.floor(testNowMs / hourMs) * hourMs;
    const parts = { prefix: 'p/', stream, hourMs: hour, shard: 's', firstSequence: `${n}` };
    const key = archiveKey({ ...parts, suffix: '00000000' });
    objects.objects.set(key, { bytes: Buffer.alloc(1), modifiedMs: testNowMs - secondsAgo * 1000 });
    return key;
  };
  marks.add(add('app', 1, 900));
  add('app', 2, 600);
  const late = add('app', 3, 300);
  add('app', 4, 5);
  add('bank', 5, 100);
  const reader = new UnmarkedReader({
    objects,
    prefix: 'p/',
    store: {
      marked: async (keys) => {
        asked.push(keys);
        return new Set(keys.filter((key) => marks.has(key)));
      },
    },
    clock: { ...systemClock, now: () => testNowMs },
  });
  const { get, asker } = await statusServer(undefined, reader);
  assert.deepEqual((await get('/api/v1/status')).body.archive, { unindexed_objects: null, oldest: null });
  const known = async () => {
    for (;;) {
      const { archive } = (await get('/api/v1/status')).body;
      if (archive.unindexed_objects !== null) return archive;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  assert.deepEqual(await known(), { unindexed_objects: 3, oldest: at(600) });
  asker.access = { ...unlimitedAccess('key:x'), streams: ['bank'] };
  assert.deepEqual(await known(), { unindexed_objects: 1, oldest: at(100) });
  marks.add(late);
  assert.equal((await reader.read()).get('app')?.objects, 1);
  assert.deepEqual(asked.at(-2)?.length, 2, 'what has a mark is not asked for again');
});

test('gaps are told as numbers, of the streams, hosts and tags of who asks', async () => {
  const gap = { cause: 'not_indexed', bytes: 10, sinceMs: testNowMs - 1000 } as const;
  const gaps = [
    { ...gap, stream: 'app', host: 'web-1', tag: 'shop' },
    { ...gap, stream: 'app', host: 'web-2', tag: 'shop' },
    { ...gap, stream: 'bank' },
  ];
  const report = { gaps } as unknown as LedgerReport;
  const desk = new LedgerDesk({ read: async () => report, clock: systemClock, freshMs: 60_000 });
  const { get, asker } = await statusServer(desk);
  assert.equal((await get('/api/v1/status')).body.gaps, null);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual((await get('/api/v1/status')).body.gaps, { count: 3, bytes: 30, since: at(1), at: at(0) });
  asker.access = { ...unlimitedAccess('key:x'), hosts: ['web-1'] };
  const { body } = await get('/api/v1/status');
  assert.equal(body.gaps.count, 1);
  assert.doesNotMatch(JSON.stringify(body.gaps), /web|shop/);
});

test('any number of gaps can be told', async () => {
  const gap = { cause: 'not_indexed', bytes: 1, sinceMs: testNowMs - 1000, stream: 'app' } as const;
  const report = { gaps: Array.from({ length: 200_000 }, () => gap) } as unknown as LedgerReport;
  const { get } = await statusServer(
    new LedgerDesk({ read: async () => report, clock: systemClock, freshMs: 60_000 }),
  );
  await get('/api/v1/status');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual((await get('/api/v1/status')).body.gaps.count, 200_000);
});

test('what fails is not kept, and what is old is read anew', async () => {
  let nowMs = 0;
  let reads = 0;
  const fresh = new Fresh<number>({ ...systemClock, monotonic: () => nowMs }, 100, 2);
  const read = async () => ++reads;
  await assert.rejects(fresh.get('a', () => Promise.reject(new Error('down'))));
  assert.deepEqual(await Promise.all([fresh.get('a', read), fresh.get('a', read)]), [1, 1]);
  nowMs = 100;
  assert.equal(await fresh.get('a', read), 2);
  await Promise.all(['b', 'c'].map((question) => fresh.get(question, read)));
  assert.equal(await fresh.get('a', read), 5, 'only so many questions are kept');
});
