import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { RegexpProblem } from './ruby-regexp/syntax.ts';
import { translateRegexp } from './ruby-regexp.ts';

function translate(literal: string, text: 'line' | 'lines' = 'line') {
  const end = literal.lastIndexOf('/');
  return translateRegexp({ source: literal.slice(1, end), flags: literal.slice(end + 1) }, text);
}

test('Ruby expressions become JavaScript', () => {
  const cases: [ruby: string, source: string, flags: string][] = [
    ['/^(?<a>[^ ]*) \\[(?<t>[^\\]]*)\\]$/', '^(?<a>[^ ]*) \\[(?<t>[^\\]]*)\\]$', 's'],
    ["/(?'a'x)/", '(?<a>x)', 's'],
    ['/\\A.*\\z/', '^.*$', 's'],
    ['/x\\Z/', 'x$', 's'],
    ['/\\h\\H/', '[0-9A-Fa-f][^0-9A-Fa-f]', 's'],
    ['/[\\h_]/', '[0-9A-F_a-f]', 's'],
    ['/\\s\\S/', '[\\t-\\r ][^\\t-\\r ]', 's'],
    ['/\\d\\w\\D\\W/', '\\d\\w\\D\\W', 's'],
    ['/a\\Rb/', 'a(?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])b', 's'],
    ['/\\e\\a\\0\\012\\x41\\u0042\\u{43}/', '\\x1b\\x07\\x00\\nABC', 's'],
    ['/\\/\\-\\"\\</', '\\/-"<', 's'],
    ['/(a|b)(c)?/', '(?:a|b)c?', 's'],
    ['/ab{2}{3}+/', 'a(?:(?:b{2}){3})+', 's'],
    ['/(ab)+?c{,3}d{2,}?e{x}/', '(?:ab)+?c{0,3}d{2,}?e\\{x\\}', 's'],
    ['/a # b\n [ #] \\# c # note/x', 'a[ #]#c', 's'],
    ['/a(?#note)b/', 'ab', 's'],
    ['/GET/i', 'GET', 'is'],
    ['/(?i)get/', 'get', 'is'],
    ['/a(?i)b|c/', 'a(?:[Bb]|[Cc])', 's'],
    ['/a(?i:b)c/', 'a[Bb]c', 's'],
    ['/a(?-i:b)[c-d]/i', '[Aa]b[CDcd]', 's'],
    ['/[[:digit:]a]/', '[0-9a]', 's'],
    ['/[^[:space:]"]/', '[^\\t-\\r "]', 's'],
    ['/[a-z&&[^aeiou]]/', '[b-df-hj-np-tv-z]', 's'],
    ['/[]a]/', '[\\]a]', 's'],
    ['/[a\\-z-]/', '[\\-az]', 's'],
    ['/[^\\u0023]/', '[^#]', 's'],
    ['/[가-힣]/', '[가-힣]', 's'],
    ['/😀/', '\\ud83d\\ude00', 's'],
    ['//', '(?:)', 's'],
  ];
  for (const [ruby, source, flags] of cases) {
    const js = translate(ruby);
    assert.deepEqual([js.source, js.flags], [source, flags], ruby);
  }
});

test('in records of several lines anchors and dots mean what they mean in Ruby', () => {
  const cases: [ruby: string, text: string, match: string | undefined][] = [
    ['/^b.*$/', 'a\nbc\nd', 'bc'],
    ['/^b.*/m', 'a\nbc\nd', 'bc\nd'],
    ['/\\Ab/', 'a\nb', undefined],
    ['/\\Aa.b\\z/m', 'a\nb', 'a\nb'],
    ['/a(?m:.)b.c/', 'a\nb\nc', undefined],
    ['/a(?m:.)b/', 'a\nb', 'a\nb'],
    ['/a.b/', 'a\rb', 'a\rb'],
  ];
  for (const [ruby, text, match] of cases)
    assert.equal(translate(ruby, 'lines').compiled.exec(text)?.[0], match, ruby);
});

test('the difference of POSIX classes to Ruby is named', () => {
  assert.deepEqual(translate('/[[:alpha:]]\\p{Upper}/').remarks, [
    '[:alpha:] stands for ASCII characters',
    '\\p{Upper} stands for ASCII characters',
  ]);
});

test('what does not run in linear time, and bad syntax, is refused with the reason', () => {
  const cases: [ruby: string, message: string][] = [
    ['/(?=a)/', '(?= is a look-ahead'],
    ['/(?!a)/', '(?! is a negative look-ahead'],
    ['/(?<=a)b/', '(?<= is a look-behind'],
    ['/(?<!a)b/', '(?<! is a negative look-behind'],
    ['/(?>a)/', '(?> is an atomic group'],
    ['/a++/', 'the quantifier ++ is possessive'],
    ['/(a)\\1/', '\\1 refers back to a group, which is not supported'],
    ['/(?<a>b)\\k<a>/', '\\k refers back to a group, which is not supported'],
    ['/(?<a>b)\\g<a>/', '\\g refers back to a group, which is not supported'],
    ['/(?~a)/', '(?~ is an absence operator'],
    ['/\\Gx/', '\\G is not supported here'],
    ['/\\p{Hangul}/', '\\p{Hangul} is not supported'],
    ['/[[:nope:]]/', '[:nope:]: unknown POSIX bracket'],
    ['/[😀]/', 'a character beyond U+FFFF cannot stand in a character class'],
    ['/[z-a]/', 'a range of a character class runs backwards'],
    ['/[a/', 'a character class has no closing ]'],
    ['/(a/', 'a ( has no closing )'],
    ['/a)/', 'a ) closes nothing'],
    ['/*a/', '* has nothing to repeat'],
    ['/a{9999}/', 'a repeat count is over 1000'],
    ['/a{3,2}/', '{3,2} counts backwards'],
    ['/(?<1>a)/', '"1" cannot be the name of a group'],
    ['/(?z)/', '(?z is no group that is supported'],
    ['/\\xg/', '\\x needs hexadecimal digits'],
    [`/${'('.repeat(200)}${')'.repeat(200)}/`, 'groups are nested more than 100 deep'],
    [`/${'a'.repeat(20_000)}/`, 'it is longer than 16384 characters'],
    ['/a****** /', 'more than 4 quantifiers in a row'],
  ];
  for (const [ruby, message] of cases) assert.throws(() => translate(ruby), { message }, ruby);
  assert.throws(() => translate('/^a\\z/', 'lines'), { message: '^ or $ stands beside \\A, \\z or \\Z' });
  assert.throws(() => translate('/(?<a>.)(?<a>.)/'), RegexpProblem);
  assert.throws(() => translate('/(?<n>a){40}/'), RegexpProblem);
});

test('what is accepted runs on the linear-time engine', () => {
  setFlagsFromString('--enable-experimental-regexp-engine');
  const accepted = [
    '/[0-9a-f]{40}/',
    '/a{3,60}b/i',
    '/(?i:get|post) \\S+/',
    '/(\\d{1,3}\\.){3}\\d{1,3}/',
    '/(?:(a{10}){3}b){2}/',
    '/(x+x+)+y/',
  ];
  for (const ruby of accepted) {
    const { compiled } = translate(ruby);
    assert.doesNotThrow(() => new RegExp(compiled.source, `${compiled.flags}l`), ruby);
  }
});

test('any text is an expression or a RegexpProblem', () => {
  const unit = fc.constantFrom(
    ...'()[]{}?*+|^$.\\-&:,<>=!imx#/ab0129pdhRZ한'.split(''),
    '(?<n>',
    '[[:alpha:]]',
    '😀',
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), fc.constantFrom('', 'i', 'mx'), (source, flags) => {
      try {
        translateRegexp({ source, flags }, 'lines');
      } catch (error) {
        assert(error instanceof RegexpProblem, `${source}: ${String(error)}`);
      }
    }),
    { numRuns: 3_000 },
  );
});
