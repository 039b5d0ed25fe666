import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReplayArgs } from './request.ts';

const nowMs = Date.UTC(2026, 0, 2, 12);

test('a time before now may follow its option as a word of its own', () => {
  const hourAgoNs = BigInt(nowMs - 3_600_000) * 1_000_000n;
  for (const args of [['--from', '-1h'], ['--from=-1h'], ['--from', 'now-1h']])
    assert.equal(parseReplayArgs(args, nowMs).request.fromNs, hourAgoNs, args.join(' '));
});

test('what is no option is refused', () => {
  assert.throws(() => parseReplayArgs(['yesterday'], nowMs), { code: 'USAGE' });
});
