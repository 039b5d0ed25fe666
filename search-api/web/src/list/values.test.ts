import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hit } from '../api/types.ts';
import { templateOf, widthsOf } from './columns.ts';
import { jsonOf, jsonPieces } from './json.ts';
import { badgeOf, columnName, fieldsOf, fieldValue, toneOfLevel } from './values.ts';

const hit: Hit = {
  id: 'x',
  '@timestamp': '2026-11-23T00:00:00Z',
  message: 'm',
  host: 'web-1',
  level: 'error',
  'http.response.status_code': 502,
  fields: { user: { id: 7 }, 'a.b': { c: 1 }, tags: ['x'] },
};

test('a column finds its value by any name that queries know', () => {
  for (const [name, value] of [
    ['host', 'web-1'],
    ['host.name', 'web-1'],
    ['log.level', 'error'],
    ['status', 502],
    ['user.id', 7],
    ['fields.user.id', 7],
    ['a.b.c', 1],
    ['nothing.here', undefined],
  ] as const)
    assert.equal(fieldValue(hit, name), value, name);
});

test('the fields of an event have the names that queries use', () => {
  assert.deepEqual(
    fieldsOf(hit).map(({ name, queryName }) => `${name} ${queryName}`),
    [
      '@timestamp @timestamp',
      'level log.level',
      'host host.name',
      'user.id fields.user.id',
      'a.b.c fields.a.b.c',
      'tags fields.tags',
      'http.response.status_code http.response.status_code',
      'id _id',
    ],
  );
});

test('an event without a level has the colour of its status', () => {
  assert.deepEqual(badgeOf(hit), { text: 'error', tone: 'bad' });
  const { level: _level, ...access } = hit;
  assert.deepEqual(badgeOf(access as Hit), { text: '502', tone: 'bad' });
  assert.equal(badgeOf({ ...access, 'http.response.status_code': 200 } as Hit).tone, 'good');
});

test('columns are as wide as what is in them', () => {
  assert.deepEqual(widthsOf(['host', 'user.id'], [hit]), [8, 11]);
  assert.equal(templateOf([7], true), '20ch 9ch 7ch minmax(30ch, 1fr)');
});

test('a message that is JSON is laid out, all else is text', () => {
  assert.deepEqual(jsonOf(' {"a":1}'), { a: 1 });
  assert.equal(jsonOf('{"a":1'), undefined);
  assert.equal(jsonOf('12'), undefined);
  assert.deepEqual(
    jsonPieces({ a: [1, 'x', null] })
      .filter(({ kind }) => kind !== 'plain')
      .map(({ kind, text }) => `${kind} ${text}`),
    ['key "a"', 'number 1', 'text "x"', 'word null'],
  );
});

test('a field may be called as what every object has', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'valueOf.name', 'constructor.name']) {
    assert.equal(fieldValue(hit, name), undefined, name);
    assert.equal(columnName(name), name);
    assert.equal(widthsOf([name], [hit]).length, 1);
  }
  assert.equal(toneOfLevel('constructor'), 'none');
  const odd = JSON.parse(
    '{"id":"y","@timestamp":"","message":"","fields":{"constructor":"a","toString":{"x":1}}}',
  );
  assert.equal(fieldValue(odd, 'constructor'), 'a');
  assert.equal(fieldValue(odd, 'toString.x'), 1);
  assert.deepEqual(
    fieldsOf(odd).map(({ name }) => name),
    ['@timestamp', 'constructor', 'toString.x', 'id'],
  );
});

test("a record's own field that is called like one of the event's has a column of its own", () => {
  const odd: Hit = { ...hit, fields: { level: 'gold', status: 'paid', user: { id: 7 } } };
  for (const [name, column, value] of [
    ['fields.level', 'fields.level', 'gold'],
    ['fields.status', 'fields.status', 'paid'],
    ['fields.user.id', 'user.id', 7],
    ['log.level', 'log.level', 'error'],
    ['_id', '_id', 'x'],
  ] as const) {
    assert.equal(columnName(name), column);
    assert.equal(fieldValue(odd, column), value);
  }
});

test('JSON of any size and depth is shown', () => {
  const deep = '['.repeat(50_000) + ']'.repeat(50_000);
  assert.equal(jsonOf(deep), undefined, 'as text');
  assert.deepEqual(jsonOf('[[1]]'), [[1]]);
  const pieces = jsonPieces(Array.from({ length: 100_000 }, (_, i) => i));
  assert.ok(pieces.length < 21_000, `${pieces.length}`);
  assert.equal(
    pieces
      .map(({ text }) => text)
      .join('')
      .split('\n').length,
    100_002,
  );
});
