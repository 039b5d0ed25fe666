import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lowercase, separates, separators, tokenize, tokenLengthMax, tokenTexts } from './tokenize.ts';

const words = (text: string) => tokenize(text).map((token) => token.token);

const table: [string, string[]][] = [
  ['', []],
  ['--- :: ...', []],
  ['GET /api/v1/users?id=42 HTTP/1.1', ['get', 'api', 'v1', 'users', 'id', '42', 'http', '1', '1']],
  ['10.0.0.1:8080', ['10', '0', '0', '1', '8080']],
  ['snake_case kebab-case', ['snake_case', 'kebab', 'case']],
  ['error=ENOENT;path="/tmp/a b"', ['error', 'enoent', 'path', 'tmp', 'a', 'b']],
  ['로그인 실패: 사용자', ['로그인', '실패', '사용자']],
  ['接続失敗、再試行。', ['接続失敗', '再試行']],
  ['Größe ÄÖÜ', ['größe', 'äöü']],
  ['a\u00a0b\u2003c\u3000d\u2028e\u0085f', ['a', 'b', 'c', 'd', 'e', 'f']],
  ['“quoted” – dash… ─┬─ tree', ['quoted', 'dash', 'tree']],
  ['done 🚀✅ ok', ['done', '🚀✅', 'ok']],
  ['ΟΔΟΣ', ['οδοσ']], // no final sigma
  ['İstanbul', ['istanbul']], // one code point for one
  ['a\0b\x1b[31mc\tD', ['a', 'b', '31mc', 'd']],
];

test('texts are cut into the words that people search for', () => {
  for (const [text, expected] of table) assert.deepEqual(words(text), expected, text);
});

test('tokens know where they stand', () => {
  assert.deepEqual(tokenize('  Foo-bar'), [
    { token: 'foo', start: 2, end: 5 },
    { token: 'bar', start: 6, end: 9 },
  ]);
});

test('long tokens are cut at the limit, never within a surrogate pair', () => {
  assert.deepEqual(
    words('x'.repeat(600)).map((word) => word.length),
    [255, 255, 90],
  );
  const [first, second] = tokenize(`${'x'.repeat(254)}😀yz`);
  assert.equal(first?.token.length, 256);
  assert.equal(second?.token, 'yz');
});

test('the list of separators is single characters in order, and holds what the mapping needs', () => {
  assert.equal(separators.length, new Set(separators).size);
  for (const separator of separators) assert.equal(separator.length, 1);
  for (let code = 0; code < 128; code++) {
    const char = String.fromCharCode(code);
    assert.equal(separators.includes(char), !/\w/.test(char), `U+${code.toString(16)}`);
  }
  for (const char of '\u0085\u00a0\u2000\u200a\u2028\u2029\u202f\u3000、。')
    assert.ok(separators.includes(char));
  assert.ok(!separators.some((char) => /[\p{L}\p{N}]/u.test(char)));
});

test('any text: tokens are in order, lie at their places, and only separators are between them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      let at = 0;
      for (const { token, start, end } of tokenize(text)) {
        assert.ok(start >= at && end > start && end <= text.length && end - start <= tokenLengthMax + 1);
        assert.ok([...text.slice(at, start)].every((char) => separates(char.charCodeAt(0))));
        assert.ok(
          ![...text.slice(start, end)].some((char) => char.length === 1 && separates(char.charCodeAt(0))),
        );
        assert.equal(token, lowercase(text.slice(start, end)));
        at = end;
      }
      assert.ok([...text.slice(at)].every((char) => separates(char.charCodeAt(0))));
    }),
  );
});

test('lowercasing keeps the count of code points', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal([...lowercase(text)].length, [...text].length);
    }),
  );
});

test('tokens alone are those that have their places too', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(fc.constantFrom('a'.repeat(254), 'Σ', 'İ', '😀', ' ', 'É', '_', '9', '\ud83d'), { maxLength: 9 })
      .map((list) => list.join('')),
  );
  fc.assert(
    fc.property(text, (sample) => {
      assert.deepEqual(
        tokenTexts(sample, lowercase(sample)),
        tokenize(sample).map(({ token }) => token),
      );
    }),
  );
});
