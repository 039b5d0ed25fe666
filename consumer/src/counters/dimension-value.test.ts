import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dimensionValue } from './dimension-value.ts';

test('any value of a record becomes one that CloudWatch takes', () => {
  const cases: [Parameters<typeof dimensionValue>[0], string][] = [
    ['nginx.access', 'nginx.access'],
    [200, '200'],
    [12345678901234567890n, '12345678901234567890'],
    [false, 'false'],
    [undefined, 'none'],
    ['', 'none'],
    [' \t\n', '?'.repeat(2)],
    ['  ', 'none'],
    [' a b ', 'a b'],
    ['caf\u00e9', 'caf?'],
    ['\u{1f600}!', '?!'],
    ['\ud800', '?'],
    ['one\u2028two\r\nthree\0', 'one?two??three?'],
    ['\u007f"\\', '?"\\'],
    ['x'.repeat(2_000_000), 'x'.repeat(255)],
  ];
  for (const [value, wanted] of cases) {
    const made = dimensionValue(value);
    assert.equal(made, wanted);
    assert.match(made, /^[\x20-\x7e]{1,255}$/);
  }
});
