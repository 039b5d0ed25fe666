import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvRow } from './csv.ts';

const guarded = { guard: true };

test('cells with a delimiter, a quote or a line break are quoted', () => {
  assert.equal(csvRow(['a', 'b,c', 'd"e', 'f\ng', 'h\r'], guarded), 'a,"b,c","d""e","f\ng","h\r"\r\n');
});

test('what is not there is an empty cell, objects and lists are JSON', () => {
  assert.equal(csvRow([undefined, null, '', { a: 1 }, ['x']], guarded), ',,,"{""a"":1}","[""x""]"\r\n');
});

test('what a spreadsheet would run as a formula begins with an apostrophe', () => {
  const cells = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', 'a=1', '=a,"b"'];
  assert.equal(csvRow(cells, guarded), `'=1+1,'+1,'-1,'@SUM(A1),'\t=1,"'\r=1",a=1,"'=a,""b"""\r\n`);
  assert.equal(csvRow(['=1+1', '-1'], { guard: false }), '=1+1,-1\r\n');
});

test('numbers stay numbers, the negative ones too', () => {
  assert.equal(csvRow([-1, 2.5, true], guarded), '-1,2.5,true\r\n');
});
