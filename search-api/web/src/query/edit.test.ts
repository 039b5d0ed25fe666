import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSearch } from '@millrace/core/query/parser.ts';
import fc from 'fast-check';
import { clauseOf, escapeName, quoted, withClause, withoutStages } from './edit.ts';

test('a condition is added beside all of the query', () => {
  assert.equal(withClause('', 'tag:a'), 'tag:a');
  assert.equal(withClause('x', 'tag:a'), 'x tag:a');
  assert.equal(withClause('x', 'tag:a', true), 'x -tag:a');
  assert.equal(withClause('x OR y', 'tag:a'), '(x OR y) tag:a');
  assert.equal(withClause('(x OR y)', 'tag:a'), '(x OR y) tag:a');
  assert.equal(withClause('"x OR y"', 'tag:a'), '"x OR y" tag:a');
  assert.equal(withClause('x', 'a b', true), 'x -(a b)');
});

test('a condition stands before the stages', () => {
  assert.equal(withClause('x | count by tag', 'tag:a'), 'x tag:a | count by tag');
  assert.equal(withClause('| count', 'tag:a'), 'tag:a | count');
  assert.equal(withoutStages('a "|" | count by tag | sort count'), 'a "|"');
});

test('the same click twice adds nothing, the opposite click changes its mind', () => {
  assert.equal(withClause('x tag:a', 'tag:a'), 'x tag:a');
  assert.equal(withClause('x tag:a', 'tag:a', true), 'x -tag:a');
  assert.equal(withClause('-tag:a', 'tag:a'), 'tag:a');
  assert.equal(withClause('tag:ab', 'tag:a'), 'tag:ab tag:a', 'not within another value');
});

test('values are quoted where a character has a meaning', () => {
  assert.equal(quoted('error'), 'error');
  assert.equal(quoted('app.shop/x-1'), 'app.shop/x-1');
  assert.equal(quoted('a b'), '"a b"');
  assert.equal(quoted('say "hi" \\o/'), '"say \\"hi\\" \\\\o/"');
  assert.equal(quoted('OR'), '"OR"');
  assert.equal(quoted(42), '42');
  assert.equal(escapeName('my field:x'), 'my\\ field\\:x');
});

test('any name and value become one condition that means them', () => {
  const name = fc.stringMatching(/^[a-z][a-z.:* "-]{0,9}[a-z]$/);
  const value = fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((item) => item.isWellFormed() && /\w/.test(item));
  fc.assert(
    fc.property(name, value, (field, item) => {
      const { query, pipes } = parseSearch(clauseOf(field, item));
      assert.deepEqual(pipes, []);
      assert.ok(query.type === 'term', query.type);
      assert.equal(query.field, field);
      assert.equal(query.text, item);
    }),
  );
});
