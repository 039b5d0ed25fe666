import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from './testing.ts';
import * as values from './values.ts';

const { readValue, sizeText, timeText } = values;

function read(type: values.ValueType<unknown>, value: string): unknown {
  return readValue(type, 'p', { value, quoted: false, file: 'f', line: 3 });
}

const size = values.size(0, 1024 ** 5);
const time = values.time(0, 86_400_000 * 400);

test('values are read by their type', () => {
  const cases: [type: values.ValueType<unknown>, text: string, value: unknown][] = [
    [values.string, 'a b', 'a b'],
    [values.bool, 'true', true],
    [values.bool, 'yes', true],
    [values.bool, '', true],
    [values.bool, 'false', false],
    [values.bool, 'no', false],
    [values.integer(-5, 5), '-5', -5],
    [values.integer(-5, 5), '+5', 5],
    [size, '10', 10],
    [size, '1k', 1024],
    [size, '5mb', 5 * 1024 ** 2],
    [size, '8M', 8 * 1024 ** 2],
    [size, '2GiB', 2 * 1024 ** 3],
    [size, '1t', 1024 ** 4],
    [time, '10', 10_000],
    [time, '0.5', 500],
    [time, '.5', 500],
    [time, '0.5s', 500],
    [time, '250ms', 250],
    [time, '2m', 120_000],
    [time, '1h', 3_600_000],
    [time, '1d', 86_400_000],
    [values.array, 'a, b,,c', ['a', 'b', 'c']],
    [values.array, '', []],
    [values.array, '["a,b", 1]', ['a,b', '1']],
    [
      values.hash,
      'a:b, c:d:e',
      new Map([
        ['a', 'b'],
        ['c', 'd:e'],
      ]),
    ],
    [values.hash, '', new Map()],
    [
      values.hash,
      '{"__proto__": "x", "n": 1}',
      new Map([
        ['__proto__', 'x'],
        ['n', '1'],
      ]),
    ],
    [values.regexp, '/a\\/b/', { source: 'a\\/b', flags: '' }],
    [values.regexp, '/a/b/im', { source: 'a/b', flags: 'im' }],
    [values.regexp, '^a', { source: '^a', flags: '' }],
    [values.oneOf('a', 'b'), 'b', 'b'],
  ];
  for (const [type, text, value] of cases) assert.deepEqual(read(type, text), value, `${type.name} ${text}`);
});

test('a value of another type is refused with place, name and reason', () => {
  const cases: [type: values.ValueType<unknown>, text: string, message: string][] = [
    [values.string, '', 'a value is expected'],
    [values.bool, 'ture', '"ture" is not a bool: true or false, did you mean "true"?'],
    [values.bool, '1', '"1" is not a bool: true or false'],
    [values.integer(0, 9), '1.5', '"1.5" is not a whole number'],
    [values.integer(0, 9), '10', '10 is out of range, 0 to 9 is allowed'],
    [size, '1x', '"1x" is not a size'],
    [size, '-1', '"-1" is not a size'],
    [values.size(2048, 1024 ** 2), '1k', '1k is out of range, 2k to 1m is allowed'],
    [time, '5 minutes', '"5 minutes" is not a time'],
    [time, '5S', '"5S" is not a time'],
    [values.time(100, 60_000), '2m', '2m is out of range, 0.1s to 1m is allowed'],
    [values.array, '[1', '"[1" is not valid JSON'],
    [values.hash, '{x}', '"{x}" is not valid JSON'],
    [values.hash, 'a', '"a" is not of the form key:value'],
    [values.hash, ':a', '":a" is not of the form key:value'],
    [values.regexp, '', 'a regular expression is expected'],
    [values.regexp, '/a', '"/a" has no closing /'],
    [values.regexp, '/a/g', '"g" are no flags of an expression, known are i, m and x'],
    [values.oneOf('float', 'string'), 'flot', '"flot" is not one of float, string, did you mean "float"?'],
    [values.stringLike(/^a/, 'an a'), 'b'.repeat(99), `"${'b'.repeat(60)}…" is not an a`],
    [values.stringLike(/^a/, 'an a'), 'b\nc', '"b⏎c" is not an a'],
  ];
  for (const [type, text, message] of cases)
    assert.equal(
      refusal(() => read(type, text)),
      `f:3: p: ${message}`,
      `${type.name} ${text}`,
    );
});

test('sizes and times are written as they are read', () => {
  for (const text of ['0', '7', '1k', '1025', '32m', '5g', '1t'])
    assert.equal(sizeText(Number(read(size, text))), text);
  for (const text of ['0s', '50ms', '0.5s', '1s', '90s', '2m', '1h', '30d'])
    assert.equal(timeText(Number(read(time, text))), text);
});
