import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Layout, rowAt, scrollTo, sliceOf, topOf } from './maths.ts';

const folded: Layout = { count: 100_000, rowHeight: 26, extras: [] };

test('without open rows, places are multiples of the height', () => {
  assert.equal(topOf(folded, 1000), 26_000);
  assert.equal(rowAt(folded, 26_013), 1000);
  assert.equal(rowAt(folded, 1e9), 99_999);
});

test('an open row pushes the rows behind it', () => {
  const layout: Layout = { count: 100, rowHeight: 20, extras: [[3, 200]] };
  assert.equal(topOf(layout, 3), 60);
  assert.equal(topOf(layout, 4), 280);
  assert.equal(rowAt(layout, 250), 3, 'within what the row has below it');
  assert.equal(rowAt(layout, 281), 4);
});

test('every place belongs to the row that begins there, whatever is open', () => {
  const layouts = fc
    .record({
      count: fc.integer({ min: 1, max: 500 }),
      open: fc.uniqueArray(fc.tuple(fc.nat(499), fc.integer({ min: 1, max: 900 })), {
        selector: ([row]) => row,
      }),
    })
    .map(({ count, open }) => ({
      count,
      rowHeight: 26,
      extras: open.filter(([row]) => row < count).sort(([a], [b]) => a - b),
    }));
  fc.assert(
    fc.property(layouts, fc.nat(499), (layout, any) => {
      const row = any % layout.count;
      assert.equal(rowAt(layout, topOf(layout, row)), row);
      assert.equal(rowAt(layout, topOf(layout, row + 1) - 1), row);
    }),
  );
});

test('only what is in sight is drawn, with some more on both sides', () => {
  assert.deepEqual(sliceOf(folded, 0, 260, 5), { first: 0, end: 16, top: 0 });
  assert.deepEqual(sliceOf(folded, 26_000, 260, 5), { first: 995, end: 1016, top: 995 * 26 });
  assert.deepEqual(sliceOf({ ...folded, count: 0 }, 100, 260, 5), { first: 0, end: 0, top: 0 });
});

test('a row is brought into sight by the shortest way', () => {
  assert.equal(scrollTo(folded, 5, 0, 260), 0);
  assert.equal(scrollTo(folded, 10, 0, 260), 26);
  assert.equal(scrollTo(folded, 5, 520, 260), 130);
});
