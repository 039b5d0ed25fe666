import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandTime } from './path-time.ts';

test('placeholders of a path take the time of the zone', () => {
  const now = Date.UTC(2026, 2, 1, 23, 5, 9);
  assert.equal(expandTime('/log/%Y/%m-%d/%H%M%S.log', now, 'UTC'), '/log/2026/03-01/230509.log');
  assert.equal(expandTime('/log/%Y%m%d.log', now, 'Asia/Seoul'), '/log/20260302.log');
  assert.equal(expandTime('/log/%j-%%Y', now, '+02:00'), '/log/061-%Y');
  assert.equal(expandTime('/log/plain.log', now, 'UTC'), '/log/plain.log');
});
