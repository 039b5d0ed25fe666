import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBlock } from '@millrace/archive/testing/objects.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { createGrep, type GrepOptions, recordText, requiredTokens } from './grep.ts';

const block = decodeBlock(
  testBlock([
    { from: 0, text: 'GET /a 200\r\nGET /b 500\nerror: out of\n' },
    { from: 0, text: 'memory error', life: 2 },
    { from: 0, text: '\ud55c\uae00 Error\n', life: 3 },
  ]),
);

function found(pattern: string, options: Partial<GrepOptions> = {}, runs = [0, 1, 2]): string[] {
  const grep = createGrep({ pattern, regex: false, ignoreCase: false, invert: false, ...options });
  return [...grep(block, new Set(runs))].map((record) => recordText(block, record).toString());
}

test('a text is found in records, never across them, and only in the runs that are meant', () => {
  assert.deepEqual(found('error'), ['error: out of', 'memory error']);
  assert.deepEqual(found('200\r'), []);
  assert.deepEqual(found('of\nmemory'), []);
  assert.deepEqual(found('error', {}, [0]), ['error: out of']);
  assert.deepEqual(found('error', { ignoreCase: true }).length, 3);
  assert.deepEqual(found('a.b', { ignoreCase: true }), []);
  assert.deepEqual(found('GET', { invert: true }).length, 3);
  assert.deepEqual(found('\uae00'), ['\ud55c\uae00 Error']);
});

test('a block of many lines with a match at its end is searched once, not once a line', () => {
  const text = `${'nn\n'.repeat(300_000)}needle\n`;
  const many = decodeBlock(testBlock([{ from: 0, text }]));
  const grep = createGrep({ pattern: 'needle', regex: false, ignoreCase: false, invert: false });
  assert.deepEqual(
    [...grep(many, new Set([0]))].map((record) => record.offset),
    [900_000],
  );
});

test('an expression sees a record without its line end and cannot take for ever', () => {
  assert.deepEqual(found('^GET .* [25]00$', { regex: true }), ['GET /a 200', 'GET /b 500']);
  assert.deepEqual(found('^ERROR', { regex: true, ignoreCase: true }), ['error: out of']);
  assert.throws(() => found('(?<=a)b', { regex: true }), { code: 'RULE_INVALID' });
});

test('only words that a match surely holds as whole words are required of an object', () => {
  const of = (pattern: string, options: Partial<GrepOptions> = {}) =>
    requiredTokens({ pattern, regex: false, ignoreCase: false, invert: false, ...options });
  assert.deepEqual(of('out of Memory error'), ['of', 'memory']);
  assert.deepEqual(of('error'), []);
  assert.deepEqual(of(' error:'), ['error']);
  assert.deepEqual(of(' error:', { regex: true }), []);
  assert.deepEqual(of(' error:', { invert: true }), []);
});
