import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isThrottle, Pace } from './pace.ts';

const mebibyte = 1024 * 1024;

/** A sender with a backlog before a shard that takes `perSecond` bytes, second by second, on a clock of its own. */
function send(perSecond: (atMs: number) => number, recordBytes: number, durationMs: number) {
  let now = 0;
  const clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async () => {},
    random: () => 0.5,
    bytes: (size: number) => new Uint8Array(size),
  };
  const pace = new Pace(clock);
  let taken = 0;
  let sent = 0;
  let second = -1;
  let left = 0;
  while (now < durationMs) {
    now += Math.max(20, pace.waitMs());
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000);
      left = perSecond(now);
    }
    const records = Math.max(1, Math.min(20, Math.floor(pace.burstBytes / recordBytes)));
    pace.sent(records * recordBytes);
    sent += records * recordBytes;
    const accepted = Math.min(records, Math.floor(left / recordBytes));
    left -= accepted * recordBytes;
    taken += accepted * recordBytes;
    if (accepted === records) pace.taken(accepted * recordBytes);
    else pace.refused(accepted * recordBytes);
  }
  return { taken, sent, rate: pace.rate };
}

test('a sender of a backlog gets most of what a shard takes, and sends little twice', () => {
  const { taken, sent } = send(() => mebibyte, 50_000, 120_000);
  assert.ok(taken > 0.8 * 120 * mebibyte, `took ${taken}`);
  assert.ok(sent < 1.35 * taken, `sent ${sent} for ${taken}`);
});

test('a sender follows a shard that becomes slower, and one that becomes faster', () => {
  const slow = send((at) => (at < 30_000 ? mebibyte : mebibyte / 4), 50_000, 120_000);
  assert.ok(slow.taken > 0.75 * (30 + 90 / 4) * mebibyte, `took ${slow.taken}`);
  const fast = send((at) => (at < 30_000 ? mebibyte : 100 * mebibyte), 50_000, 400_000);
  assert.equal(fast.rate, undefined);
});

test('a stream that refuses nothing has no limit', () => {
  assert.equal(send(() => Number.POSITIVE_INFINITY, 50_000, 10_000).rate, undefined);
});

test('refusals for the rate are told from others', () => {
  assert.ok(isThrottle('ProvisionedThroughputExceededException'));
  assert.ok(!isThrottle('InternalFailure'));
  assert.ok(!isThrottle('AccessDeniedException'));
});
