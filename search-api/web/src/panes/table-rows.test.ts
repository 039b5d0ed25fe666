import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barsOf, sorted } from './table-rows.ts';

const text = { name: 'tag', type: 'text' } as const;
const count = { name: 'count', type: 'number' } as const;

test('numbers are sorted by size, what is missing stands last', () => {
  assert.deepEqual(sorted([[9], [10], [null], [1]], 0, 'asc'), [[1], [9], [10], [null]]);
  assert.deepEqual(sorted([[9], [null], [10]], 0, 'desc'), [[10], [9], [null]]);
  assert.deepEqual(sorted([['b'], ['a'], ['c']], 0, 'desc'), [['c'], ['b'], ['a']]);
});

test('the last column of numbers has bars, beside times all of them do', () => {
  const rows = [
    ['x', 1, 5],
    ['y', 2, 3],
  ];
  assert.deepEqual(barsOf({ columns: [text, count, count], rows }), { columns: [2], max: 5 });
  assert.deepEqual(barsOf({ columns: [{ name: 'time', type: 'time' }, count, count], rows }), {
    columns: [1, 2],
    max: 6,
  });
  assert.equal(barsOf({ columns: [text], rows: [['x']] }), undefined);
  assert.equal(barsOf({ columns: [text, count], rows: [] }), undefined);
});
