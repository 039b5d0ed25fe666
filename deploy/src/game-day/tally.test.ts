import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWhole, tallyOf, tallyText } from './tally.ts';

test('each line once is whole, in whatever order they are found', () => {
  assert.ok(isWhole(tallyOf(['a', 'b'], ['b', 'a'])));
});

test('a line that is lost, doubled or nobody’s is named', () => {
  const tally = tallyOf(['a', 'b', 'c'], ['a', 'b', 'b', 'x']);
  assert.equal(isWhole(tally), false);
  assert.equal(
    tallyText(tally),
    '3 written, 4 in search, 1 missing ("c"), 1 too often ("b"), 1 never written ("x")',
  );
});

test('lines that were read again may be there twice, but neither three times nor never', () => {
  const repeated = new Set(['a', 'b', 'c']);
  assert.ok(isWhole(tallyOf(['a', 'b'], ['a', 'a', 'b'], repeated)));
  const tally = tallyOf(['a', 'b', 'c', 'd'], ['a', 'a', 'a', 'b', 'd', 'd'], repeated);
  assert.deepEqual([tally.doubled, tally.missing], [['a', 'd'], ['c']]);
});
