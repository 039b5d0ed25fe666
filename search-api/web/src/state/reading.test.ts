import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readingOrder } from './reading.ts';

test('an answer is read on in its own order of time, or comes whole', () => {
  assert.equal(readingOrder('error', 'desc'), 'desc');
  assert.equal(readingOrder('error | fields host', 'asc'), 'asc');
  assert.equal(readingOrder('error | sort @timestamp', 'desc'), 'asc', 'the stage says otherwise');
  for (const q of ['* | sort -ms', '* | head 600', '* | dedup message', '* | count by host'])
    assert.equal(readingOrder(q, 'desc'), undefined, q);
  assert.equal(readingOrder('"half', 'desc'), 'desc');
});
