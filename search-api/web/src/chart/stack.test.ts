import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stackOf } from './stack.ts';

test('bars are stacked by level, errors on the ground', () => {
  const stack = stackOf({
    took_ms: 1,
    interval_ms: 60_000,
    from: '2026-11-23T00:00:00Z',
    to: '2026-11-23T00:02:00Z',
    buckets: [
      { from: '2026-11-23T00:00:00Z', count: 10, by: { error: 2, critical: 1, info: 4 } },
      { from: '2026-11-23T00:01:00Z', count: 3 },
    ],
  });
  assert.deepEqual(stack.layers, [
    { tone: 'none', tops: [10, 3] },
    { tone: 'calm', tops: [7, 0] },
    { tone: 'bad', tops: [3, 0] },
  ]);
  assert.deepEqual(stack.counts[0], { bad: 3, calm: 4, none: 3 });
});
