import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsNamed, fieldsPiped } from './names.ts';
import { parseQuery, parseSearch } from './parser.ts';

test('every condition of a query names its field, wherever it stands', () => {
  const text = 'word a:1 OR NOT (b:[1 TO 2] _exists_:c d:*) AND e:(x OR y*) "f: g" fields.h:/i/';
  const names = fieldsNamed(parseQuery(text)).map(({ name }) => name);
  assert.deepEqual(names.sort(), ['a', 'b', 'c', 'd', 'e', 'e', 'fields.h', 'message', 'message']);
  assert.deepEqual(fieldsNamed(parseQuery('')), []);
  const [named] = fieldsNamed(parseQuery('-user:bob'));
  assert.deepEqual(named, { name: 'user', at: { start: 1, end: 9 } });
});

test('every pipe on events names its fields, and says whether it shows them', () => {
  const text = '* | fields a, b | sort -c | dedup d | head 5 | count by e, f | sort count';
  const piped = fieldsPiped(parseSearch(text).pipes);
  assert.deepEqual(
    piped.map(({ name, shown }) => `${name} ${shown}`),
    ['a true', 'b true', 'c false', 'd false', 'e false', 'f false'],
  );
  for (const pipe of ['top 5 a', 'rare a', 'timechart 1m by a'])
    assert.deepEqual(
      fieldsPiped(parseSearch(`* | ${pipe}`).pipes).map(({ name }) => name),
      ['a'],
      pipe,
    );
  assert.deepEqual(fieldsPiped(parseSearch('x | timechart 1m').pipes), []);
  assert.equal(fieldsPiped(parseSearch('x | patterns').pipes)[0]?.name, 'message');
});
