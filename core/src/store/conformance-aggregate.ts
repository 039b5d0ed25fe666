import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { knTerm, kvTerm } from '../document/containers.ts';
import type { AggregateResponse, AggregateResult, Aggregation, Aggregations } from './aggregation.ts';
import { all, type ConformanceBench } from './conformance.ts';

const hour = Date.parse('2026-11-22T10:00:00Z');
const minute = 60_000;

/** Asks for counts of the suite's documents. */
interface Counter {
  ask(parts: Aggregations): Promise<AggregateResponse>;
  one(part: Aggregation): Promise<AggregateResult | undefined>;
}

/** Counts by values, times and filters. */
export function aggregateConformance(bench: ConformanceBench): void {
  const { create, store, stream } = bench;
  const ask: Counter['ask'] = (parts) =>
    store.aggregate({ indices: [`millrace-${stream}_g-*`], query: all, parts });
  const one: Counter['one'] = async (part) => (await ask({ 'it.is': part })).parts['it.is'];

  before(async () => {
    const documents = Array.from({ length: 60 }, (_, i) => countedDocument(bench, i));
    for (const result of await create(documents)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  valuesCounted({ ask, one });
  timesCounted({ ask, one });
  figuresTold({ ask, one });
  boundsKept({ ask, one }, bench);
}

function countedDocument({ document, stream }: ConformanceBench, i: number) {
  const level = i % 10 === 0 ? 'error' : i % 3 === 0 ? 'warn' : 'info';
  const fields: [string, string | number][] = [
    ['a.b', `v${i % 4}`],
    ['a.bc', 'other'],
    ['a.b[]".*', 'odd'],
    ['id', i],
  ];
  return {
    ...document(i, {
      message: `counted ${i}`,
      '@timestamp': new Date(hour + i * 10_000).toISOString(),
      log: { offset: i, level, file: { path: '/var/log/app.log' } },
      ...(i < 30 ? { http: { response: { status_code: 200 + i } } } : {}),
      ...(i === 59 ? { source: { ip: '10.0.0.1' } } : {}),
      kv: fields.map(([name, value]) => kvTerm(name, String(value))),
      kn: [knTerm('id', i)],
    }),
    index: `millrace-${stream}_g-2026.11.${i % 2 === 0 ? '21' : '22'}`,
  };
}

function values(field: string, more: { prefix?: string; size?: number } = {}): Aggregation {
  return { type: 'values', field, size: 10, order: 'most', ...more };
}

function valuesCounted({ one }: Counter): void {
  it('counts the values of a mapped field: most first, rarest first, in order of value', async () => {
    const most = await one(values('log.level'));
    const counted = [
      { value: 'info', count: 36 },
      { value: 'warn', count: 18 },
      { value: 'error', count: 6 },
    ];
    assert.deepEqual(most, { buckets: counted, other: 0, errorMax: 0 });
    const rarest = await one({ type: 'values', field: 'log.level', size: 2, order: 'rarest' });
    assert.deepEqual([rarest?.buckets, rarest?.other], [counted.toReversed().slice(0, 2), 36]);
    const byValue = await one({ type: 'values', field: 'log.level', size: 10, order: 'value' });
    assert.deepEqual(
      byValue?.buckets?.map(({ value }) => value),
      ['error', 'info', 'warn'],
    );
    const numbers = await one(values('http.response.status_code', { size: 1 }));
    assert.deepEqual([numbers?.buckets, numbers?.other], [[{ value: 200, count: 1 }], 29]);
    assert.deepEqual((await one(values('source.ip')))?.buckets, [{ value: '10.0.0.1', count: 1 }]);
    assert.deepEqual((await one(values('no.such')))?.buckets, []);
  });

  it('counts the values of a parsed field by its own terms alone, whatever its name', async () => {
    for (const [name, expected] of [
      ['a.b', ['v0', 'v1', 'v2', 'v3']],
      ['a.bc', ['other']],
      ['a.b[]".*', ['odd']],
      ['a', []],
    ] as const) {
      const prefix = kvTerm(name, '');
      const found = await one(values('kv', { prefix }));
      assert.deepEqual(
        found?.buckets?.map(({ value }) => value),
        expected,
      );
      assert.deepEqual(await one({ type: 'distinct', field: 'kv', prefix }), { distinct: expected.length });
    }
    const some = await one(values('kv', { prefix: kvTerm('a.b', ''), size: 3 }));
    assert.deepEqual([some?.buckets?.[0], some?.other], [{ value: 'v0', count: 15 }, 15]);
  });
}

function timesCounted({ ask, one }: Counter): void {
  it('counts stretches of time, empty ones included, alone and beside others, with values in each', async () => {
    const times: Aggregation = {
      type: 'times',
      intervalMs: minute,
      fromMs: hour - minute,
      toMs: hour + 3 * minute,
      parts: { level: values('log.level') },
    };
    const counts = [0, 6, 6, 6];
    const alone = await one(times);
    assert.deepEqual(
      alone?.buckets?.map(({ value, count }) => [value, count]),
      counts.map((count, i) => [hour + (i - 1) * minute, count]),
    );
    assert.deepEqual(alone?.buckets?.[1]?.parts?.level?.buckets, [
      { value: 'info', count: 4 },
      { value: 'error', count: 1 },
      { value: 'warn', count: 1 },
    ]);
    const beside = await ask({ times, level: values('log.level') });
    assert.deepEqual(beside.parts.times?.buckets, alone?.buckets);
    assert.deepEqual([beside.total, beside.parts.level?.buckets?.length], [60, 3]);
  });
}

function figuresTold({ ask }: Counter): void {
  it('tells figures of numbers and dates, how many values there are, and how many events a filter has', async () => {
    const { total, parts } = await ask({
      status: { type: 'numbers', field: 'http.response.status_code' },
      time: { type: 'numbers', field: '@timestamp' },
      none: { type: 'numbers', field: 'http.response.body.bytes' },
      levels: { type: 'distinct', field: 'log.level' },
      errors: {
        type: 'filter',
        query: { term: { 'log.level': { value: 'error' } } },
        parts: { values: values('kv', { prefix: kvTerm('a.b', '') }) },
      },
    });
    assert.equal(total, 60);
    assert.deepEqual(parts.status?.numbers, { count: 30, sum: 6435, min: 200, max: 229, avg: 214.5 });
    assert.deepEqual([parts.time?.numbers?.min, parts.time?.numbers?.max], [hour, hour + 590_000]);
    assert.deepEqual(parts.none, { numbers: { count: 0, sum: 0 } });
    assert.deepEqual(parts.levels, { distinct: 3 });
    assert.equal(parts.errors?.count, 6);
    assert.deepEqual(parts.errors?.parts?.values?.buckets, [
      { value: 'v0', count: 3 },
      { value: 'v2', count: 3 },
    ]);
  });
}

function boundsKept({ one }: Counter, { store }: ConformanceBench): void {
  it('counts nothing in indices that do not exist, and refuses what would be too much', async () => {
    const parts: Aggregations = {
      level: values('log.level'),
      status: { type: 'numbers', field: 'http.response.status_code' },
      levels: { type: 'distinct', field: 'log.level' },
    };
    for (const none of [['millrace-no_such_stream-*'], []]) {
      const answer = await store.aggregate({ indices: none, query: all, parts, timeMsMax: 10_000 });
      assert.deepEqual([answer.total, answer.cut], [0, undefined]);
      assert.deepEqual(answer.parts.level, { buckets: [], other: 0, errorMax: 0 });
      assert.deepEqual(answer.parts.levels, { distinct: 0 });
      assert.deepEqual(answer.parts.status, { numbers: { count: 0, sum: 0 } });
    }
    const many = { type: 'times', intervalMs: 1, fromMs: 0, toMs: 60_000 } as const;
    await assert.rejects(one(many), { code: 'STORE_REJECTED', message: /50000 at most/ });
    const perHour = { ...many, intervalMs: 600, parts: { level: values('log.level', { size: 1_000 }) } };
    await assert.rejects(one(perHour), { code: 'STORE_REJECTED' });
  });
}
