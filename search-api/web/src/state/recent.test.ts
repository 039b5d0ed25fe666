import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentIds } from './recent.ts';

test('an event that comes twice is seen once, and memory has a bound', () => {
  const seen = new RecentIds(3);
  assert.deepEqual(
    ['a', 'b', 'a', 'c', 'd', 'a', 'd'].map((id) => seen.add(id)),
    [true, true, false, true, true, true, false],
    'a was forgotten when d came',
  );
});
