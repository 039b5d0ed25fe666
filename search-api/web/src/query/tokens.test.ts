import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pipeStart, tokensOf } from './tokens.ts';

const shown = (query: string) =>
  tokensOf(query)
    .filter(({ kind }) => kind !== 'space')
    .map(({ kind, start, end }) => `${kind} ${query.slice(start, end)}`);

test('a query is cut into its pieces', () => {
  assert.deepEqual(shown('level:error "connection refused" OR -host:web-3'), [
    'field level:',
    'word error',
    'phrase "connection refused"',
    'operator OR',
    'operator -',
    'field host:',
    'word web-3',
  ]);
  assert.deepEqual(shown('status:[500 TO 599] path:/api/* /time(d|out)/'), [
    'field status:',
    'range [500 TO 599]',
    'field path:',
    'word /api/*',
    'regex /time(d|out)/',
  ]);
  assert.deepEqual(shown('error | count by level'), [
    'word error',
    'pipe |',
    'stage count',
    'stage by',
    'stage level',
  ]);
});

test('colons within times, addresses and values name no field', () => {
  assert.deepEqual(shown('10:32:15 http://a/b std::map tag:a:b'), [
    'word 10:32:15',
    'word http://a/b',
    'word std::map',
    'field tag:',
    'word a:b',
  ]);
});

test('what is typed half is cut all the same', () => {
  assert.deepEqual(shown('tag:"app sh'), ['field tag:', 'phrase "app sh']);
  assert.deepEqual(shown('size:[1 TO'), ['field size:', 'range [1 TO']);
});

test('no character is lost, whatever is typed', () => {
  const alphabet = fc.constantFrom(...'ab:"|/\\()[]{}<>+-! OR');
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 40 }), (query) => {
      const tokens = tokensOf(query);
      assert.equal(tokens.map(({ start, end }) => query.slice(start, end)).join(''), query);
      assert.ok(tokens.every(({ start, end }) => end > start));
    }),
  );
});

test('a bar in quotes, in a regex or doubled begins no stage', () => {
  for (const query of ['"a | b"', '/a|b/', 'a || b']) assert.equal(pipeStart(query), query.length, query);
  assert.equal(pipeStart('"a|b" | count'), 6);
});
