import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withQuery } from './history.ts';

test('a query that is asked again moves to the front', () => {
  assert.deepEqual(withQuery(['a', 'b'], 'b'), ['b', 'a']);
});

test('only so many queries are kept', () => {
  const many = Array.from({ length: 60 }, (_, i) => `query ${i}`);
  const kept = withQuery(many, 'new');
  assert.equal(kept.length, 50);
  assert.equal(kept[0], 'new');
});
