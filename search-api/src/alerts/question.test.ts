import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AggregateRequest, AggregateResult } from '@millrace/core/store/aggregation.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';
import { testAlert } from '../testing/test-alert.ts';
import { count } from './question.ts';

const bounds = { timeMsMax: 1_000, groupsMax: 3 };

function place(counts: [value: string, count: number][], other = 0): AggregateResult {
  const buckets = counts.map(([value, each]) => ({ value, count: each }));
  return { count: 100, parts: { values: { buckets, other } } };
}

async function grouped(field: string, places: AggregateResult[]) {
  const asked: AggregateRequest[] = [];
  const store = {
    ...unusedStore(),
    aggregate: async (request: AggregateRequest) => {
      asked.push(request);
      const parts = Object.fromEntries(places.map((each, i) => [`groups-${i}`, each]));
      return { tookMs: 1, total: 100, parts };
    },
  };
  const counted = await count(
    store,
    testAlert({ group_by: field }),
    { q: '' },
    Date.UTC(2026, 10, 22),
    bounds,
  );
  return { ...counted, counts: Object.fromEntries(counted.counts), parts: asked[0]?.parts ?? {} };
}

test('groups are counted in every place that the name of their field stands for', async () => {
  const { counts, unnamedMax, parts } = await grouped('user', [
    place([['ann', 3]]),
    place([
      ['bob', 5],
      ['ann', 1],
    ]),
  ]);
  assert.deepEqual([counts, unnamedMax], [{ ann: 4, bob: 5 }, undefined]);
  assert.deepEqual(Object.keys(parts), ['groups-0', 'groups-1']);
  assert.match(JSON.stringify(parts), /"field":"user.name".*"field":"kv"/);
});

test('long values that begin alike are one group', async () => {
  const long = 'x'.repeat(256);
  const { counts } = await grouped('host', [
    place([
      [`${long}a`, 3],
      [`${long}b`, 2],
    ]),
  ]);
  assert.deepEqual(counts, { [long]: 5 });
});

test('of more groups than are named it is known how many events one may have', async () => {
  const two = await grouped('user', [
    place(
      [
        ['a', 9],
        ['b', 7],
        ['c', 4],
      ],
      50,
    ),
    place(
      [
        ['d', 8],
        ['e', 6],
        ['f', 5],
      ],
      1,
    ),
  ]);
  assert.deepEqual([two.counts, two.unnamedMax], [{ a: 9, d: 8, b: 7 }, 9]);
  const one = await grouped('user', [
    place([
      ['a', 9],
      ['b', 7],
    ]),
    place([
      ['d', 8],
      ['e', 6],
    ]),
  ]);
  assert.deepEqual([one.counts, one.unnamedMax], [{ a: 9, d: 8, b: 7 }, 7]);
});
