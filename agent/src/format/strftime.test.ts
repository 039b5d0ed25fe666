import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileStrftime } from './strftime.ts';

test('times are written as strftime does, in the zone asked for', () => {
  const time = { seconds: Date.UTC(2026, 10, 22, 3, 4, 5) / 1000, nanos: 120_003_000, digits: 9 };
  for (const [format, zone, want] of [
    ['%Y-%m-%dT%H:%M:%S.%N%z', 'UTC', '2026-11-22T03:04:05.120003000+0000'],
    ['%F %T.%3N %6N %L', '+09:00', '2026-11-22 12:04:05.120 120003 120'],
    [
      '%a %A %b %B %e %j %y %I %p %Z %s %%',
      'Asia/Seoul',
      'Sun Sunday Nov November 22 326 26 12 PM +0900 1795316645 %',
    ],
    ['%d %H %z', 'America/New_York', '21 22 -0500'],
    ['%q', 'UTC', '%q'],
  ] as const)
    assert.equal(compileStrftime(format, zone)(time), want, format);
});
