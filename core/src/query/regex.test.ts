import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { luceneRegex, RegexRefusal } from './regex.ts';

const accepted: [string, string][] = [
  ['time(d|out)', 'time(d|out)'],
  ['(?:ab)+', '(ab)+'],
  ['\\d{3}', '[0-9]{3,3}'],
  ['\\d{2,}', '[0-9]{2,}'],
  ['[\\w.-]+', '[A-Za-z0-9_\\.\\-]+'],
  ['\\S*', '[^ \t\n\r\f\v]*'],
  ['[^a-f]', '[^a-f]'],
  ['a"b#@&<>~', 'a\\"b\\#\\@\\&\\<\\>\\~'],
  ['a\\/b', 'a\\/b'],
  ['.*', '.*'],
  ['오류.', '오류.'],
];

test('regexes are written for Lucene with its own operators escaped', () => {
  for (const [source, expected] of accepted) assert.equal(luceneRegex(source, false), expected, source);
});

test('for lowercase text, capitals are lowered and ranges of capitals widened', () => {
  assert.equal(luceneRegex('Time[A-F0-9]Ä', true), 'time[A-Fa-f0-9]ä');
  assert.equal(luceneRegex('[!-~]', true), '[\\!-\\~a-z]');
});

const refused = [
  '',
  'a|',
  '(|a)',
  '(a',
  'a)',
  '[a',
  '[]',
  '[b-a]',
  '*a',
  'a**',
  'a+?',
  '^a',
  'a$',
  '(?=a)',
  '(?<n>a)',
  '(?i)a',
  '\\b',
  '\\1',
  '\\p',
  'a{2',
  'a{3,2}',
  'a{600}',
  '((a{10}){10}){10}',
  '[\\D]',
  'a\\',
  'a'.repeat(257),
  `${'('.repeat(12)}a${')'.repeat(12)}`,
];

test('what the engines do not share is refused with a hint', () => {
  for (const source of refused)
    assert.throws(
      () => luceneRegex(source, false),
      (error) => error instanceof RegexRefusal && error.hint !== '',
      source,
    );
});

test('any text is a regex or a refusal', () => {
  const parts = fc.constantFrom(
    'a',
    'B',
    '(',
    ')',
    '[',
    ']',
    '^',
    '-',
    '{',
    '}',
    '2',
    ',',
    '*',
    '+',
    '?',
    '|',
    '\\',
    'd',
    '.',
    '"',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 30 }), fc.boolean(), (list, lower) => {
      const source = list.join('');
      try {
        // What is accepted is a regex for other engines too, so that one matcher can stand for all.
        new RegExp(luceneRegex(source, lower));
        new RegExp(source);
      } catch (error) {
        assert.ok(error instanceof RegexRefusal, `${source}: ${String(error)}`);
        assert.ok(error.at >= 0 && error.at <= source.length);
      }
    }),
    { numRuns: 2000 },
  );
});
