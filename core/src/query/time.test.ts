import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMillraceError } from '../errors.ts';
import { formatNs, parseTime } from './time.ts';

/** A Sunday. */
const nowMs = Date.UTC(2026, 10, 22, 10, 30, 15, 250);
const span = (text: string) => {
  const { firstNs, lastNs } = parseTime(text, nowMs);
  return [formatNs(firstNs), formatNs(lastNs)];
};
const instant = (text: string) => [text, text];

const table: [string, string[]][] = [
  ['now', instant('2026-11-22T10:30:15.250000000Z')],
  ['now-15m', instant('2026-11-22T10:15:15.250000000Z')],
  ['now+1h', instant('2026-11-22T11:30:15.250000000Z')],
  ['now-1d-2h', instant('2026-11-21T08:30:15.250000000Z')],
  ['now-10y', instant('2016-11-22T10:30:15.250000000Z')],
  ['now+4M', instant('2027-03-22T10:30:15.250000000Z')],
  ['now/d', ['2026-11-22T00:00:00.000000000Z', '2026-11-22T23:59:59.999999999Z']],
  ['now-1d/d', ['2026-11-21T00:00:00.000000000Z', '2026-11-21T23:59:59.999999999Z']],
  ['now/w', ['2026-11-16T00:00:00.000000000Z', '2026-11-22T23:59:59.999999999Z']],
  ['now/M', ['2026-11-01T00:00:00.000000000Z', '2026-11-30T23:59:59.999999999Z']],
  ['now/y', ['2026-01-01T00:00:00.000000000Z', '2026-12-31T23:59:59.999999999Z']],
  ['2026-11-22', ['2026-11-22T00:00:00.000000000Z', '2026-11-22T23:59:59.999999999Z']],
  ['2026-11-22T10:30', ['2026-11-22T10:30:00.000000000Z', '2026-11-22T10:30:59.999999999Z']],
  ['2026-11-22 10:30:01', ['2026-11-22T10:30:01.000000000Z', '2026-11-22T10:30:01.999999999Z']],
  ['2026-11-22T10:30:01.5Z', ['2026-11-22T10:30:01.500000000Z', '2026-11-22T10:30:01.599999999Z']],
  ['2026-11-22T10:30:01.123456789Z', instant('2026-11-22T10:30:01.123456789Z')],
  ['2026-11-22T19:30:00.000000000+09:00', instant('2026-11-22T10:30:00.000000000Z')],
  ['2026-11-22T05:00:00.000000000-0530', instant('2026-11-22T10:30:00.000000000Z')],
  ['1700000000', ['2023-11-14T22:13:20.000000000Z', '2023-11-14T22:13:20.999999999Z']],
  ['1700000000123', ['2023-11-14T22:13:20.123000000Z', '2023-11-14T22:13:20.123999999Z']],
  ['1700000000123456', ['2023-11-14T22:13:20.123456000Z', '2023-11-14T22:13:20.123456999Z']],
  ['1700000000123456789', instant('2023-11-14T22:13:20.123456789Z')],
  ['2024-02-29', ['2024-02-29T00:00:00.000000000Z', '2024-02-29T23:59:59.999999999Z']],
];

test('times mean the stretch that was written', () => {
  for (const [text, expected] of table) assert.deepEqual(span(text), expected, text);
});

test('months end on their last day', () => {
  const end = Date.UTC(2026, 2, 31);
  assert.equal(formatNs(parseTime('now-1M', end).firstNs), '2026-02-28T00:00:00.000000000Z');
});

const invalid = [
  '',
  'yesterday',
  'now-',
  'now-5',
  'now-5q',
  'NOW',
  '2026-13-01',
  '2026-02-30',
  '2026-1-1',
  '2026-11-22T25:00',
  '12345',
  '123456789012345',
  '1969-12-31',
  '0099-01-01',
  'now-9999999y',
  '2026-11-22T10:30:00+99:00',
  '2500-01-01',
];

test('what is no time is refused with a hint', () => {
  for (const text of invalid)
    assert.throws(
      () => parseTime(text, nowMs),
      (error) => isMillraceError(error, 'QUERY_INVALID') && error.hint !== undefined,
      text,
    );
});

test('a bare duration is answered with what was meant', () => {
  assert.throws(() => parseTime('15m', nowMs), { hint: 'did you mean now-15m?' });
});

test('any text is a time or QUERY_INVALID', () => {
  const parts = fc.constantFrom(
    'now',
    '-',
    '+',
    '/',
    'd',
    'M',
    'y',
    '9999999',
    '15',
    'm',
    '2026-11-22',
    'T',
    ':',
    'Z',
    '.',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(parts, { maxLength: 8 }).map((list) => list.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const { firstNs, lastNs } = parseTime(text, nowMs);
        assert.ok(firstNs <= lastNs);
        assert.match(formatNs(firstNs), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      } catch (error) {
        assert.ok(isMillraceError(error, 'QUERY_INVALID'), String(error));
      }
    }),
  );
});
