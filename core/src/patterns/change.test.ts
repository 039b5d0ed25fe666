import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gOf, isChanged, ratioOf } from './change.ts';

const half = (before: number, after: number) => ({ before, after, share: 0.5 });

test('chance is no change, nor is what is certain but small', () => {
  const table: [before: number, after: number, seen: number, changed: boolean][] = [
    [3, 6, 1, false],
    [10, 40, 1, true],
    [40, 10, 1, true],
    [0, 3, 1, false],
    [0, 20, 1, true],
    [10_000, 11_000, 1, false],
    [10, 40, 0.1, false],
    [1_000, 4_000, 0.1, true],
  ];
  for (const [before, after, seen, changed] of table)
    assert.equal(isChanged(half(before, after), seen), changed, `${before} → ${after}, ${seen}`);
});

test('times of different lengths are compared by how often', () => {
  const change = { before: 100, after: 900, share: 0.1 };
  assert.ok(Math.abs(ratioOf(change) - 1) < 1e-9);
  assert.ok(Math.abs(gOf(change)) < 1e-9);
  assert.equal(ratioOf(half(0, 5)), Number.POSITIVE_INFINITY);
  assert.equal(ratioOf(half(5, 0)), 0);
});
