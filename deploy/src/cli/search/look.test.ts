import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from './api.ts';
import { lineOf, tableText } from './look.ts';

const look = { json: false, fields: undefined, color: false };

test('control characters of a line do not reach the terminal', () => {
  const hit = { id: 'i', '@timestamp': 't', host: 'h', tag: 'g', message: 'a\u001b]0;title\u0007b\n\tc\r' };
  assert.equal(lineOf(hit, look), 't h g a\\x1b]0;title\\x07b\n\tc\\x0d\n');
});

test('in colour, levels and matches stand out, and control characters still do nothing', () => {
  const hit = {
    id: 'i',
    '@timestamp': 't',
    level: 'error',
    message: 'pay\u001b refused',
    highlight: [[5, 12]] as [number, number][],
  };
  const line = lineOf(hit, { ...look, color: true });
  assert.ok(line.endsWith('\u001b[31mpay\\x1b \u001b[0m\u001b[1;7mrefused\u001b[0m\n'), JSON.stringify(line));
});

test('chosen fields are printed by the names of hits and of the record', () => {
  const hit = { id: 'i', '@timestamp': 't', host: 'h', message: 'm', fields: { user: { id: 7 }, list: [1] } };
  const fields = ['host', 'user.id', 'fields.list', 'nothing'];
  assert.equal(lineOf(hit, { ...look, fields }), 't h 7 [1] -\n');
});

test('a table has columns as wide as they need to be, numbers to the right', () => {
  const table = {
    columns: [
      { name: 'tag', type: 'string' },
      { name: 'count', type: 'number' },
    ],
    rows: [
      ['결제', 12],
      ['app.shop\u001b', 3],
      [null, 1000],
    ],
  };
  const expected = [
    'tag           count',
    '결제             12',
    'app.shop\\x1b      3',
    '-              1000',
    '',
  ];
  assert.equal(tableText(table, look), expected.join('\n'));
  assert.equal(tableText(table, { ...look, json: true }).split('\n')[0], '{"tag":"결제","count":12}');
});

test('an error of the query is shown under the query', () => {
  const error = {
    code: 'QUERY_INVALID',
    message: 'unknown pipe',
    hint: 'did you mean "count"?',
    at: { start: 4, end: 9 },
  };
  const refused = refusal(400, JSON.stringify({ error }), 'a | cuont');
  assert.equal(refused.code, 'QUERY_INVALID');
  assert.equal(refused.hint, 'a | cuont\n      ^^^^^\n  did you mean "count"?');
});
