import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Fields } from '../parse/parsed.ts';
import {
  cutText,
  emptyLeaves,
  encodeNumber,
  knTerm,
  kvTerm,
  leavesMax,
  nameUnitsMax,
  valueUnitsMax,
  writeLeaves,
} from './containers.ts';

const nobody = { see() {} };

function written(fields: Fields) {
  const leaves = emptyLeaves();
  writeLeaves(fields, leaves, nobody);
  const parsed = JSON.parse(`{"fields":{${leaves.json}},"kv":[${leaves.kv}],"kn":[${leaves.kn}]}`);
  return { ...(parsed as { fields: object; kv: string[]; kn: string[] }), leftOut: leaves.leftOut };
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

test('encoded numbers sort as the numbers do', () => {
  const known = [-Number.MAX_VALUE, -1e9, -1.5, -1, -Number.MIN_VALUE, 0, Number.MIN_VALUE, 0.5, 1, 200, 299];
  const sorted = [...known, 2 ** 53, 1e300, Number.MAX_VALUE];
  assert.deepEqual(sorted.map(encodeNumber), sorted.map(encodeNumber).sort());
  assert.equal(encodeNumber(-0), encodeNumber(0));
  assert.equal(encodeNumber(1), 'bff0000000000000');
  assert.equal(encodeNumber(-1), '400fffffffffffff');
  fc.assert(
    fc.property(fc.oneof(finite, fc.integer()), fc.oneof(finite, fc.integer()), (a, b) => {
      const [x, y] = [encodeNumber(a), encodeNumber(b)];
      assert.match(x, /^[0-9a-f]{16}$/);
      assert.equal(x < y, a < b);
      assert.equal(x === y, a === b);
    }),
  );
});

test('the first equals sign of a term ends its name', () => {
  assert.equal(kvTerm('code', '200'), 'code=200');
  assert.equal(kvTerm('a=b', 'c=d'), 'a%3Db=c=d');
  assert.equal(kvTerm('a%3Db', ''), 'a%253Db=');
  assert.equal(knTerm('a=b', 1), 'a%3Db=bff0000000000000');
  const text = fc.string({ unit: fc.constantFrom('=', '%', '3', 'D', 'a'), maxLength: 12 });
  fc.assert(
    fc.property(text, text, text, text, (name, value, otherName, otherValue) => {
      const equal = name === otherName && value === otherValue;
      assert.equal(kvTerm(name, value) === kvTerm(otherName, otherValue), equal);
    }),
  );
});

test('values are cut between characters', () => {
  assert.equal(cutText('abc', 3), 'abc');
  assert.equal(cutText('ab😀', 3), 'ab');
  assert.equal(cutText('ab😀', 4), 'ab😀');
  const long = `${'x'.repeat(valueUnitsMax - 1)}😀`;
  assert.equal(kvTerm('n', long), `n=${'x'.repeat(valueUnitsMax - 1)}`);
  assert.equal(kvTerm('n', '\ud800'), 'n=\ufffd');
});

test('leaves have dotted names; null and what is empty have none', () => {
  const fields = {
    text: 'a "b"',
    yes: true,
    code: 200,
    zero: -0,
    big: 12345678901234567890n,
    none: null,
    list: ['x', 1, [2], { y: 'z' }],
    deep: { er: { est: 'v' }, 'dot.ted': 'w' },
    empty: {},
    nothing: [],
    '': '',
  };
  const { kv, kn, leftOut } = written(fields);
  assert.deepEqual(kv, [
    'text=a "b"',
    'yes=true',
    'code=200',
    'zero=0',
    'big=12345678901234567890',
    'list=x',
    'list=1',
    'list=2',
    'list.y=z',
    'deep.er.est=v',
    'deep.dot.ted=w',
    '=',
  ]);
  const numbers: [string, number][] = [
    ['code', 200],
    ['zero', 0],
    ['big', Number('12345678901234567890')],
    ['list', 1],
    ['list', 2],
  ];
  assert.deepEqual(
    kn,
    numbers.map(([name, value]) => knTerm(name, value)),
  );
  assert.equal(leftOut, 0);
});

test('what JSON cannot say is written as text', () => {
  assert.deepEqual(written(JSON.parse('{"a":1e999,"b":-1e999}') as Fields), {
    fields: { a: 'Infinity', b: '-Infinity' },
    kv: ['a=Infinity', 'b=-Infinity'],
    kn: [],
    leftOut: 0,
  });
});

test('leaves over the limits stay in fields and are counted', () => {
  const many: Fields = Object.fromEntries(Array.from({ length: leavesMax + 7 }, (_, i) => [`n${i}`, i]));
  const { fields, kv, kn, leftOut } = written(many);
  assert.deepEqual(
    [Object.keys(fields).length, kv.length, kn.length, leftOut],
    [leavesMax + 7, leavesMax, leavesMax, 7],
  );
  const name = 'x'.repeat(nameUnitsMax);
  const long = written({ [name]: 1, [`${name}y`]: 1, outer: { [name]: 1 } });
  assert.deepEqual([long.kv, long.leftOut], [[`${name}=1`], 2]);
});

test('containers hold the same terms that a query is compiled to', () => {
  const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), finite, fc.boolean());
  const fields = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), value, { maxKeys: 8 });
  fc.assert(
    fc.property(fields, (object) => {
      const { kv, kn } = written(object);
      const entries = Object.entries(object);
      assert.deepEqual(
        kv,
        entries.map(([name, item]) => kvTerm(name, String(item))),
      );
      const numbers = entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
      assert.deepEqual(
        kn,
        numbers.map(([name, item]) => knTerm(name, item)),
      );
    }),
  );
});
