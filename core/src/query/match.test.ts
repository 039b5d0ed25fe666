import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchDocuments, themes } from './cases/cases.ts';
import { matchNowMs } from './cases/theme.ts';
import { compileMatcher } from './match.ts';
import { lucenePattern, wildcardMatches } from './match-values.ts';

for (const [theme, { documents, cases }] of Object.entries(themes)) {
  test(`the matcher finds what the table of ${theme} says that engines find`, () => {
    for (const [query, expected] of cases) {
      const matches = compileMatcher(query, { nowMs: matchNowMs });
      const found = documents.filter(({ name, source }) => matches(`id-${name}`, source));
      assert.deepEqual(
        found.map(({ name }) => name),
        expected,
        query,
      );
    }
  });
}

test('the table is large, and names its documents once', () => {
  const cases = Object.values(themes).flatMap((theme) => theme.cases);
  assert.ok(cases.length >= 400, String(cases.length));
  assert.equal(new Set(matchDocuments.map(({ name }) => name)).size, matchDocuments.length);
});

test('wildcards and regexes count characters, not UTF-16 units', () => {
  for (const [pattern, text, expected] of [
    ['?', '😀', true],
    ['??', '😀', false],
    ['*a*b*c', 'xaybbzc', true],
    ['*a*b*c', 'xaybbz', false],
    ['\\*', '*', true],
    ['', '', true],
    ['*', '', true],
  ] as const) {
    assert.equal(wildcardMatches(pattern)(text), expected, `${pattern} ${text}`);
  }
  for (const [source, text, expected] of [
    ['.', '😀', true],
    ['..', '😀', false],
    ['.', '\n', true],
    ['[^a]', '😀', true],
    ['[\\u-z]', 'v', true],
    ['[😀-😂]', '😁', true],
    ['[\u00e0-😀]{2}', 'ü😀', true],
    ['[\u00e0-😀]', '😁', false],
    ['(a|b){2,3}', 'aba', true],
    ['(a|b){2,3}', 'abab', false],
  ] as const) {
    assert.equal(lucenePattern(source).test(text), expected, `${source} ${text}`);
  }
});

test('a query that cannot be understood is refused as the search refuses it', () => {
  assert.throws(() => compileMatcher('log.offset:abc', { nowMs: matchNowMs }), { code: 'QUERY_INVALID' });
});
