import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedAccess } from './access/access.ts';
import { highlightRanges, hitOf } from './hit.ts';

test('a document is flattened, under short names where there are some', () => {
  const document = {
    id: 'x',
    index: 'i',
    sort: [],
    highlight: 'a \u0001b\u0002',
    source: {
      '@timestamp': 't',
      message: 'a b',
      host: { name: 'web-1' },
      log: { file: { path: '/a' }, offset: 7, level: 'warn' },
      event: { generation: 'g', tie: 9, ingested: 'i' },
      http: { response: { status_code: 200, body: { bytes: 5 } } },
      error: { type: 'parse' },
      fields: { host: 'mine', nested: { a: [1] } },
      kv: ['host=mine'],
    },
  };
  assert.deepEqual(hitOf(document, unlimitedAccess('loopback')), {
    id: 'x',
    '@timestamp': 't',
    message: 'a b',
    highlight: [[2, 3]],
    host: 'web-1',
    file: '/a',
    offset: 7,
    level: 'warn',
    generation: 'g',
    'event.ingested': 'i',
    'http.response.status_code': 200,
    'http.response.body.bytes': 5,
    'error.type': 'parse',
    fields: { host: 'mine', nested: { a: [1] } },
  });
});

const table: [string, string, [number, number][]][] = [
  ['abc', '\u0001abc\u0002', [[0, 3]]],
  [
    'a b a',
    '\u0001a\u0002 b \u0001a\u0002',
    [
      [0, 1],
      [4, 5],
    ],
  ],
  ['😀x', '😀\u0001x\u0002', [[2, 3]]],
  ['abc', 'abd', []],
  ['abc', '\u0001ab', []],
  ['a\u0002b c', 'a\u0002b \u0001c\u0002', [[4, 5]]],
];

test('highlights become offsets, or nothing when they do not fit the message', () => {
  for (const [message, highlight, expected] of table)
    assert.deepEqual(highlightRanges(message, highlight), expected, JSON.stringify(highlight));
});
