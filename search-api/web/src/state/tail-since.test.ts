import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TailSince } from './tail-since.ts';

test('a tail goes on behind what was read; before that, behind what the search saw that it began with', () => {
  const since = new TailSince(1_000);
  assert.equal(since.text(1_000), 'now-3s');
  // The search took eight seconds, or the server refused the connection for so long.
  assert.equal(since.text(8_500), 'now-11s');
  since.read('');
  assert.equal(since.text(9_000), 'now-11s');
  since.read('t1.cursor');
  since.read('');
  assert.equal(since.text(90_000), 't1.cursor');
});
