import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { intervalFor, intervalOf } from './interval.ts';

test('widths are round and give about as many buckets as asked for', () => {
  assert.equal(intervalFor(900_000, 60), 15_000);
  assert.equal(intervalFor(3_600_000, 60), 60_000);
  assert.equal(intervalFor(86_400_000, 60), 1_800_000);
  assert.equal(intervalFor(1, 60), 1);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9e12 }), fc.integer({ min: 1, max: 500 }), (spanMs, buckets) => {
      assert.ok(spanMs / intervalFor(spanMs, buckets) <= buckets);
    }),
  );
});

test('intervals are read', () => {
  assert.equal(intervalOf('500ms'), 500);
  assert.equal(intervalOf('30s'), 30_000);
  assert.equal(intervalOf('5m'), 300_000);
  assert.equal(intervalOf('2w'), 1_209_600_000);
});
