import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mistakeOf, placed } from './check.ts';

test('a mistake is named where it stands while it is typed', () => {
  assert.equal(mistakeOf('level:error | count by tag'), undefined);
  const mistake = mistakeOf('a (b');
  assert.equal(mistake?.message, 'the parenthesis is not closed');
  assert.equal(mistake?.start, 2);
  assert.match(mistake?.hint ?? '', /close it/);
});

test('a place is read out of the message where the server does not give it', () => {
  assert.deepEqual(placed('query, character 3: bad', 'a bcd e'), { message: 'bad', start: 2, end: 5 });
  assert.deepEqual(placed('query, character 3: bad', 'a bcd e', { start: 2, end: 3 }), {
    message: 'bad',
    start: 2,
    end: 3,
  });
  assert.deepEqual(placed('something else', 'abc'), { message: 'something else', start: 0, end: 3 });
});
