import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventId } from '../ids/event-id.ts';
import { actionBytesMax, bulkAction, writeBulkAction } from './action.ts';

const ingested = '2026-11-22T11:12:13.123Z';
const id = eventId(Buffer.alloc(16, 0xff), 2 ** 48 - 1, 0xffff_ffff);
/** The longest there is: `replay` to a day past the horizon, of the longest stream name. */
const longest = `millrace-${'s'.repeat(100)}-replayed-2026.11.22`;

test('the two lines are the same as text and as bytes', () => {
  for (const message of ['plain', 'Zürich 東京 😀', '']) {
    const source = `{"message":${JSON.stringify(message)},"event":{"generation":"g"}}`;
    for (const write of ['create', 'index'] as const) {
      const text = bulkAction({ index: longest, id, source }, ingested, write);
      const bytes = Buffer.from(source);
      const target = Buffer.alloc(7 + bytes.length + actionBytesMax, '.');
      const end = writeBulkAction(target, 7, { index: longest, id, source: bytes }, ingested, write);
      assert.equal(target.toString('utf8', 7, end), text);
      const [, document = ''] = text.split('\n');
      const { event, ...rest } = JSON.parse(document) as { event: object };
      assert.deepEqual(rest, { message });
      assert.deepEqual(Object.keys(event), ['generation', 'ingested', 'tie']);
      assert.ok(text.length - source.length < actionBytesMax);
    }
  }
});

test('a target without room is refused, and nothing is cut', () => {
  const source = Buffer.from('{"event":{}}');
  assert.throws(
    () => writeBulkAction(Buffer.alloc(100), 0, { index: longest, id, source }, ingested, 'create'),
    RangeError,
  );
});
