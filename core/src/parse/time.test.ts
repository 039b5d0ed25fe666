import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { captureTime, civilFromDays, daysFromCivil, isoTime, secondsEnd } from './calendar.ts';
import { readEpoch } from './epoch.ts';
import { compileTime } from './event-time.ts';
import type { FieldValue } from './parsed.ts';
import { compileFormat } from './strptime.ts';
import { compileZone, utc } from './zone.ts';

const captured = captureTime(Date.UTC(2026, 10, 22, 12, 0, 0)); // 2026-11-22T12:00:00Z

function read(
  value: FieldValue,
  format?: string,
  zone?: string,
  type: 'string' | 'float' | 'unixtime' | 'auto' = 'string',
) {
  const rule = {
    key: 'time',
    type,
    ...(format === undefined ? {} : { format }),
    ...(zone === undefined ? {} : { zone }),
  };
  const time = compileTime(rule, 'iso')(value, captured);
  return typeof time === 'string' ? `error: ${time}` : isoTime(time);
}

test('formats read what they say, and nothing else', () => {
  const table: [format: string, text: string, expected: string][] = [
    ['%Y-%m-%d %H:%M:%S', '2026-01-02 03:04:05', '2026-01-02T03:04:05Z'],
    ['%Y-%m-%dT%H:%M:%S.%L%z', '2026-01-02T03:04:05.678+0900', '2026-01-01T18:04:05.678Z'],
    ['%Y-%m-%dT%H:%M:%S.%N%z', '2026-01-02T03:04:05.123456789-03:30', '2026-01-02T06:34:05.123456789Z'],
    ['%Y-%m-%dT%H:%M:%S.%NZ', '2026-01-02T03:04:05.1234567891234Z', '2026-01-02T03:04:05.123456789Z'],
    ['%Y%m%d%H%M%S%L', '20260102030405678', '2026-01-02T03:04:05.678Z'],
    ['%Y%m%d%H%M%S%3N%z', '20260102030405678Z', '2026-01-02T03:04:05.678Z'],
    ['%F %T.%6N', '2026-01-02 03:04:05.000001', '2026-01-02T03:04:05.000001Z'],
    ['%F %T.%9N', '2026-01-02 03:04:05.5', '2026-01-02T03:04:05.5Z'],
    ['%F %T,%f', '2026-01-02 03:04:05,250000', '2026-01-02T03:04:05.250000Z'],
    ['%d/%b/%Y:%H:%M:%S %z', '02/Jan/2026:03:04:05 +0000', '2026-01-02T03:04:05Z'],
    ['%a, %d %b %Y %T %Z', 'Fri, 02 Jan 2026 03:04:05 GMT', '2026-01-02T03:04:05Z'],
    ['%A %B %e %Y %R', 'friday JANUARY  2 2026 03:04', '2026-01-02T03:04:00Z'],
    ['%D %l:%M %p', '01/02/26  3:04 pm', '2026-01-02T15:04:00Z'],
    ['%m/%d/%y %I:%M:%S %p', '01/02/70 12:00:00 AM', '1970-01-02T00:00:00Z'],
    ['%Y %j', '2024 366', '2024-12-31T00:00:00Z'],
    ['%s', '1767225600', '2026-01-01T00:00:00Z'],
    ['%s.%L', '1767225600.5', '2026-01-01T00:00:00.5Z'],
    ['%k:%M %Y%%%m', ' 3:04 2026%01', '2026-01-01T03:04:00Z'],
    ['%Y-%m-%d %H:%M:%S', '2026-12-31 23:59:60', '2027-01-01T00:00:00Z'],
    ['%F %T %Z', '2026-01-02 03:04:05 KST', '2026-01-01T18:04:05Z'],
    ['%F %T %z', '2026-01-02 03:04:05 +09', '2026-01-01T18:04:05Z'],
    ['%Y-%m-%d %H:%M:%S', '2026-01-02 03:04:05 +0900', "error: text after the format's end at character 21"],
    ['%Y-%m-%d', '2026-02-29', 'error: no such date'],
    ['%Y-%m-%d', '2026-13-01', 'error: does not fit the format at character 8'],
    ['%Y-%m-%d', '', 'error: does not fit the format at character 1'],
    ['%H:%M', '24:00', 'error: does not fit the format at character 3'],
    ['%F %T %Z', '2026-01-02 03:04:05 XYZ', 'error: does not fit the format at character 21'],
    ['%F %T %z', '2026-01-02 03:04:05 +9', 'error: does not fit the format at character 21'],
    ['%Y', '1969', 'error: before 1970'],
    ['%Y', '2263', 'error: after the year 2262'],
    ['%Y %j', '2026 366', 'error: no such date'],
  ];
  for (const [format, text, expected] of table)
    assert.equal(read(text, format), expected, `${format} ${text}`);
});

test('a year that is not written is the latest that is not more than a day after capture', () => {
  const format = '%b %d %H:%M:%S';
  assert.equal(read('Nov 22 11:59:59', format), '2026-11-22T11:59:59Z');
  assert.equal(read('Nov 23 12:00:00', format), '2026-11-23T12:00:00Z');
  assert.equal(read('Nov 23 12:00:01', format), '2025-11-23T12:00:01Z');
  assert.equal(read('Dec 31 23:59:59', format), '2025-12-31T23:59:59Z');
  assert.equal(read('Feb 29 00:00:00', format), '2024-02-29T00:00:00Z');
  const newYear = captureTime(Date.UTC(2026, 11, 31, 23, 59, 59));
  const next = compileFormat(format, utc)('Jan  1 00:00:05', newYear);
  assert.deepEqual(next, { seconds: Date.UTC(2027, 0, 1, 0, 0, 5) / 1000, nanos: 0, digits: 0 });
});

test('a date that is not written is the latest that is not more than an hour after capture', () => {
  assert.equal(read('13:00:00', '%T'), '2026-11-22T13:00:00Z');
  assert.equal(read('13:00:01', '%T'), '2026-11-21T13:00:01Z');
  assert.equal(read('21:00:00', '%T', 'Asia/Seoul'), '2026-11-22T12:00:00Z');
  assert.equal(read('05:00:00', '%T', '-11:00'), '2026-11-21T16:00:00Z');
});

test('times without a zone are read in the zone of the rule, over changes of the clock too', () => {
  const table: [zone: string, text: string, expected: string][] = [
    ['Asia/Seoul', '2026-01-02 03:04:05', '2026-01-01T18:04:05Z'],
    ['+05:30', '2026-01-02 03:04:05', '2026-01-01T21:34:05Z'],
    ['-0330', '2026-01-02 03:04:05', '2026-01-02T06:34:05Z'],
    ['UTC', '2026-01-02 03:04:05', '2026-01-02T03:04:05Z'],
    ['Europe/Berlin', '2026-03-29 01:59:59', '2026-03-29T00:59:59Z'],
    ['Europe/Berlin', '2026-03-29 02:30:00', '2026-03-29T01:30:00Z'], // does not exist: read as CET
    ['Europe/Berlin', '2026-03-29 03:00:00', '2026-03-29T01:00:00Z'],
    ['Europe/Berlin', '2026-10-25 02:30:00', '2026-10-25T00:30:00Z'], // occurs twice: the first
    ['Europe/Berlin', '2026-10-25 03:00:00', '2026-10-25T02:00:00Z'],
    ['America/New_York', '2026-03-08 02:30:00', '2026-03-08T07:30:00Z'],
    ['America/New_York', '2026-11-01 01:30:00', '2026-11-01T05:30:00Z'],
    ['Australia/Lord_Howe', '2026-04-05 01:45:00', '2026-04-04T14:45:00Z'],
    ['Asia/Seoul', '2026-01-02 03:04:05+01:00', '2026-01-02T02:04:05Z'],
  ];
  for (const [zone, text, expected] of table)
    assert.equal(read(text, undefined, zone), expected, `${zone} ${text}`);
  for (const zone of ['Mars/Olympus', '+25:00', '']) {
    assert.throws(() => compileZone(zone), { code: 'RULE_INVALID' }, zone);
  }
});

test('what a reader answers does not depend on what it was asked before', () => {
  // The hour of 1972 in which Monrovia went from -00:44:30 to UTC, in the middle of a quarter.
  const local = fc.integer({ min: 63_590_400, max: 63_594_000 });
  fc.assert(
    fc.property(fc.array(local, { maxLength: 20 }), local, (before, asked) => {
      const zone = compileZone('Africa/Monrovia');
      for (const seconds of before) zone(seconds);
      assert.equal(zone(asked), compileZone('Africa/Monrovia')(asked));
    }),
  );
  const readTime = compileTime({ key: 't', type: 'string', format: '%b %d' }, 'iso');
  const years = [2024, 2026, 2024].map((year) => readTime('Jan 01', captureTime(Date.UTC(year, 5, 1))));
  assert.deepEqual(
    years.map((time) => (typeof time === 'string' ? time : isoTime(time))),
    ['2024-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2024-01-01T00:00:00Z'],
  );
});

test('a time of either kind is seconds where it is a number, written as one or as text, else ISO 8601', () => {
  const table: [value: FieldValue, expected: string][] = [
    [1767225600.25, '2026-01-01T00:00:00.25Z'],
    [1767225600123, '2026-01-01T00:00:00.123Z'],
    ['1767225600.5', '2026-01-01T00:00:00.5Z'],
    ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02 03:04:05', '2026-01-01T18:04:05Z'],
    ['soon', 'error: not an ISO 8601 date'],
    [true, 'error: neither text nor a number'],
  ];
  for (const [value, expected] of table)
    assert.equal(read(value, undefined, '+09:00', 'auto'), expected, String(value));
});

test('without a format ISO 8601 and its common spellings are read', () => {
  const table: [text: string, expected: string][] = [
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02t03:04:05.120z', '2026-01-02T03:04:05.120Z'],
    ['2026-01-02 03:04:05,678', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05.123456789+09:00', '2026-01-01T18:04:05.123456789Z'],
    ['2026/01/02 03:04:05 +0900', '2026-01-01T18:04:05Z'],
    ['2026-01-02T03:04+00', '2026-01-02T03:04:00Z'],
    ['2026-01-02', '2026-01-02T00:00:00Z'],
    [' 2026-01-02 03:04:05 UTC ', '2026-01-02T03:04:05Z'],
    ['2026-1-2', 'error: not an ISO 8601 date'],
    ['2026-01/02', 'error: not an ISO 8601 date'],
    ['2026-01-02T', 'error: not an ISO 8601 time of day'],
    ['2026-01-02T03', 'error: not an ISO 8601 time of day'],
    ['2026-01-02T03:04:05 nonsense', 'error: text after the time at character 21'],
    ['yesterday', 'error: not an ISO 8601 date'],
    [`2026-01-02${' '.repeat(300)}`, 'error: too long for a time'],
  ];
  for (const [text, expected] of table) assert.equal(read(text), expected, text);
  for (const value of [true, [], {}]) assert.equal(read(value), 'error: neither text nor a number');
});

test('seconds since 1970 keep their written fraction, and greater numbers are finer units', () => {
  const iso = (value: string | number | bigint, fraction = true) => {
    const time = readEpoch(value, fraction);
    return typeof time === 'string' ? time : isoTime(time);
  };
  assert.equal(iso(1767225600), '2026-01-01T00:00:00Z');
  assert.equal(iso(1767225600.25), '2026-01-01T00:00:00.25Z');
  assert.equal(iso('1767225600.123456789'), '2026-01-01T00:00:00.123456789Z');
  assert.equal(iso('1767225600.5', false), '2026-01-01T00:00:00Z');
  assert.equal(iso(1767225600123), '2026-01-01T00:00:00.123Z');
  assert.equal(iso(1767225600123.5), '2026-01-01T00:00:00.1235Z');
  assert.equal(iso(1767225600123456), '2026-01-01T00:00:00.123456Z');
  assert.equal(iso(1767225600123456789n), '2026-01-01T00:00:00.123456789Z');
  assert.equal(iso('1.7672256e9'), '2026-01-01T00:00:00Z');
  assert.equal(iso('99999999999999999999'), 'after the year 2262');
  for (const bad of ['', '-1', 'abc', 'NaN', '0x10', -1, Number.NaN, Number.POSITIVE_INFINITY, '1e400', '1.'])
    assert.equal(iso(bad), 'not a number of seconds since 1970', String(bad));
  assert.equal(read('1767225600.5', undefined, undefined, 'unixtime'), '2026-01-01T00:00:00Z');
  assert.equal(
    read('2026-01-01', undefined, undefined, 'float'),
    'error: not a number of seconds since 1970',
  );
});

test('an unknown directive is refused with the list of known ones', () => {
  for (const format of ['%Q', '%', '%5N']) {
    assert.throws(() => compileFormat(format, utc), { code: 'RULE_INVALID', hint: /%Y %m %d/ }, format);
  }
});

test("dates and day numbers are each other's inverse and agree with Date", () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000, max: 3_000_000 }), (days) => {
      const date = civilFromDays(days);
      assert.equal(daysFromCivil(date.year, date.month, date.day), days);
      const expected = new Date(days * 86_400_000);
      assert.deepEqual(date, {
        year: expected.getUTCFullYear(),
        month: expected.getUTCMonth() + 1,
        day: expected.getUTCDate(),
      });
    }),
  );
});

test('any text in any format is a time or a reason, and the same one again', () => {
  const directive = fc.constantFrom(
    ...[
      '%Y',
      '%m',
      '%d',
      '%H',
      '%M',
      '%S',
      '%L',
      '%N',
      '%3N',
      '%f',
      '%z',
      '%Z',
      '%b',
      '%a',
      '%e',
      '%y',
      '%j',
    ],
    ...['%s', '%p', '%I', '%T', '%F', '%D', '%R', '%k', '%l', '%%', ' ', '-', ':', 'T'],
  );
  const format = fc.array(directive, { maxLength: 8 }).map((parts) => parts.join(''));
  const text = fc.string({ unit: fc.constantFrom(...'0123456789-:+ TZJanPM.%'), maxLength: 30 });
  fc.assert(
    fc.property(format, text, (pattern, value) => {
      const rule = { key: 't', type: 'string' as const, format: pattern, zone: 'Europe/London' };
      const once = compileTime(rule, 'iso')(value, captured);
      assert.deepEqual(compileTime(rule, 'iso')(value, captured), once);
      if (typeof once !== 'string')
        assert.ok(once.seconds >= 0 && once.seconds < secondsEnd && once.nanos < 1e9);
    }),
  );
});
