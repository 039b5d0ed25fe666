import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileMatcher } from './match.ts';
import { matchCases, matchDocuments, matchNowMs } from './match-cases.ts';
import { lucenePattern, wildcardMatches } from './match-values.ts';

test('the matcher finds what the table says that engines find', () => {
  for (const [query, expected] of matchCases) {
    const matches = compileMatcher(query, { nowMs: matchNowMs });
    const found = matchDocuments.filter(({ name, source }) => matches(`id-${name}`, source));
    assert.deepEqual(
      found.map(({ name }) => name),
      expected,
      query,
    );
  }
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
