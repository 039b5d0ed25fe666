import assert from 'node:assert/strict';
import { it } from 'node:test';
import { all, type ConformanceBench } from './conformance.ts';
import { pages } from './conformance-paging.ts';

/** The part of the store conformance suite about times: their forms, ranges of them, and counting over them. */
export function timesConformance(bench: ConformanceBench): void {
  const { create, document, store } = bench;
  timesWithoutIndices(bench);

  it('takes times of any precision, in documents and in ranges', async () => {
    const fractions = ['', '.1', '.012', '.01234', '.012345', '.0123456', '.012345678'];
    const times = fractions.map((fraction) => `2020-03-03T10:00:00${fraction}Z`);
    const results = await create(
      times.map((time, i) => document(60 + i, { message: 'p', tag: 'precise', '@timestamp': time })),
    );
    assert.deepEqual(
      results.filter((result) => result.kind !== 'created'),
      [],
    );
    await store.refresh();
    const hits = await pages(bench, { term: { tag: 'precise' } }, 'asc', 100);
    assert.deepEqual(
      hits.map((hit) => [hit.source['@timestamp'], hit.sort[0]]),
      times
        .toSorted((a, b) => nanos(a) - nanos(b))
        .map((time) => [
          time,
          time.replace(/(?:\.(\d+))?Z/, (_, digits = '') => `.${digits.padEnd(3, '0')}Z`),
        ]),
    );
    const found = async (range: Record<string, unknown>) => {
      const query = {
        bool: { filter: [{ term: { tag: 'precise' } }, { range: { '@timestamp': range } }] },
      };
      return (await pages(bench, query, 'asc', 100)).length;
    };
    const at = Date.parse('2020-03-03T10:00:00Z');
    assert.equal(await found({ gt: '2020-03-03T10:00:00.012345Z' }), 3);
    assert.equal(await found({ gt: '2020-03-03T12:00:00.012345+02:00' }), 3);
    assert.equal(await found({ gte: at, lt: at + 12 }), 1);
    assert.equal(await found({ gte: '2020-03-03', lt: '2020-03-04' }), 7);
    assert.equal(await found({ gte: '2020-03-03T10:00:01Z||-1s', lt: 'now' }), 7);
    // To the minute, without a zone: only what OpenSearch's default reads besides the patterns.
    const ingested = { range: { 'event.ingested': { gte: '2026-11-22T11:12', lt: '2026-11-22T11:13' } } };
    const filter = [{ term: { tag: 'precise' } }, ingested];
    assert.equal((await pages(bench, { bool: { filter } }, 'asc', 100)).length, 7);
  });

  it('counts events in buckets, with empty ones, whatever lies outside the bounds', async () => {
    const events = ['10:00:00.000', '10:00:00.999', '10:00:02.000', '10:00:03.000', '09:59:59.999'];
    const times = [
      ...events.map((time) => `2020-02-02T${time}Z`),
      '1970-01-01T00:00:00Z',
      '2261-01-01T00:00:00Z',
    ];
    await create(times.map((time, i) => document(20 + i, { message: 'h', tag: 'h', '@timestamp': time })));
    await store.refresh();
    const fromMs = Date.parse('2020-02-02T10:00:00Z');
    const request = { indices: [`millrace-${bench.stream}-*`], query: { term: { tag: 'h' } } };
    const { buckets } = await store.histogram({ ...request, intervalMs: 1000, fromMs, toMs: fromMs + 4000 });
    assert.deepEqual(
      buckets,
      [2, 0, 1, 1].map((count, i) => ({ fromMs: fromMs + i * 1000, count })),
    );
    const ragged = { intervalMs: 1000, fromMs: fromMs - 1, toMs: fromMs + 1 };
    const edges = await store.histogram({ ...request, ...ragged });
    assert.deepEqual(
      edges.buckets.map((bucket) => bucket.count),
      [1, 2],
    );
    const endless = store.histogram({ ...request, query: all, intervalMs: 1, fromMs: 0, toMs: fromMs });
    await assert.rejects(endless, { code: 'STORE_REJECTED' });
  });
}

function timesWithoutIndices({ store }: ConformanceBench): void {
  it('counts nothing in each bucket of a time that no index is of', async () => {
    const fromMs = Date.parse('2020-02-02T10:00:00Z');
    const request = { query: all };
    const nowhere = { ...request, indices: ['millrace-nowhere-2020.02.02'] };
    const two = { intervalMs: 1000, fromMs, toMs: fromMs + 2000 };
    const none = [0, 1000].map((ms) => fromMs + ms);
    assert.deepEqual(
      (await store.histogram({ ...nowhere, ...two })).buckets,
      none.map((ms) => ({ fromMs: ms, count: 0 })),
    );
    for (const parts of [
      { t: { type: 'times', ...two } },
      { t: { type: 'times', ...two }, d: tags },
    ] as const)
      assert.deepEqual(
        (await store.aggregate({ ...nowhere, parts })).parts.t?.buckets,
        none.map((value) => ({ value, count: 0 })),
      );
  });
}

const tags = { type: 'distinct', field: 'tag' } as const;

function nanos(time: string): number {
  return Number(`0${/\.\d+/.exec(time)?.[0] ?? ''}`);
}
