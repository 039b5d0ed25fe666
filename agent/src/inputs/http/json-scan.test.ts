import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonEvents } from './json-events.ts';
import { JsonProblem, JsonScan } from './json-scan.ts';

function valid(text: string): boolean {
  const bytes = Buffer.from(text);
  const scan = new JsonScan(bytes);
  try {
    scan.value();
  } catch (error) {
    if (error instanceof JsonProblem) return false;
    throw error;
  }
  return scan.next() === undefined;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const limits = { eventBytesMax: 1000 };

test('what is JSON to JSON.parse is JSON, and nothing else', () => {
  const texts = [
    '0',
    '-0',
    '01',
    '1.',
    '.5',
    '1e',
    '1e+5',
    '-',
    '+1',
    '"\\u12g4"',
    '"\\x"',
    '"a\tb"',
    '[1,]',
    '{"a":1,}',
  ];
  texts.push(
    '{"a" 1}',
    '{a:1}',
    'tru',
    'true',
    'nul',
    '',
    ' ',
    '[',
    '{',
    '"',
    '"\\',
    '[1 2]',
    '{} {}',
    '\u00a01',
    '1e999',
  );
  for (const text of texts) assert.equal(valid(text), parses(text), JSON.stringify(text));
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 5 }),
      fc.nat(),
      fc.constantFrom('', ',', '}', '"', '\\', '1', ' ', '\n', '\0'),
      (text, at, put) => {
        const place = at % (text.length + 1);
        for (const changed of [
          text,
          text.slice(0, place) + put + text.slice(place),
          text.slice(0, place) + text.slice(place + 1),
        ])
          assert.equal(valid(changed), parses(changed), JSON.stringify(changed));
      },
    ),
    { numRuns: 2000 },
  );
});

test('the events of a request are lines of their own bytes', () => {
  const lines = (text: string, members = '') =>
    jsonEvents(Buffer.from(text), members, limits).lines.toString();
  assert.equal(lines('{"n":1.0}'), '{"n":1.0}\n');
  assert.equal(lines('[{"a":1},{"b":12345678901234567890}]'), '{"a":1}\n{"b":12345678901234567890}\n');
  assert.equal(lines('{"a":1}\n{"b":2}\r\n\n{"c":3}'), '{"a":1}\n{"b":2}\n{"c":3}\n');
  assert.equal(lines('\ufeff[\n {\n  "a": "x\\ny"\n }\n]\n'), '{   "a": "x\\ny"  }\n');
  assert.equal(lines('[]'), '');
  assert.equal(lines('[{},{ "a":1}]', ',"x":2'), '{"x":2}\n{ "a":1,"x":2}\n');
});

test('the event that is none is named by its index', () => {
  const refused = (text: string) => {
    try {
      jsonEvents(Buffer.from(text), '', limits);
    } catch (error) {
      return [(error as { status: number }).status, (error as { index: number }).index];
    }
    throw new Error('nothing was refused');
  };
  const deep = `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`;
  assert.deepEqual(refused('[{},{},3]'), [400, 2]);
  assert.deepEqual(refused('{}\n{}\n{"a":}'), [400, 2]);
  assert.deepEqual(refused('"text"'), [400, 0]);
  assert.deepEqual(refused('[[{}]]'), [400, 0]);
  assert.deepEqual(refused(`[{},${deep}]`), [400, 1]);
  assert.deepEqual(refused(`{"${'n'.repeat(1025)}":1}`), [400, 0]);
  assert.deepEqual(refused(`{"a":"${'x'.repeat(1000)}"}`), [400, 0]);
  assert.deepEqual(refused('[{}'), [400, 1]);
  assert.deepEqual(refused('['.repeat(100_000)), [400, 0]);
});
