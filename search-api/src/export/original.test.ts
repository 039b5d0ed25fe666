import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { eventId } from '@millrace/core/ids/event-id.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { originalOf } from './original.ts';

function hit(record: string, message: string) {
  const id = eventId(Buffer.alloc(16), 0, crc32(record));
  return { id, index: 'i', source: { message }, sort: [] };
}

const text = (of: SearchHit) => Buffer.from(originalOf(of) ?? 'none').toString();

test('a message that is the whole record gives its bytes back, with the terminator that it had', () => {
  assert.equal(text(hit('a line\n', 'a line')), 'a line\n');
  assert.equal(text(hit('a line\r\n', 'a line')), 'a line\r\n');
  assert.equal(text(hit('one\ntwo\n', 'one\ntwo')), 'one\ntwo\n');
  assert.equal(text(hit('', '')), '');
});

test('a record without a terminator gets none', () => {
  assert.equal(text(hit('the end', 'the end')), 'the end');
});

test('a message that is a part of the record, or was decoded with losses, is not passed off as the original', () => {
  assert.equal(originalOf(hit('{"msg":"a line"}\n', 'a line')), undefined);
  assert.equal(originalOf(hit('caf\u00e9\n', 'caf\ufffd')), undefined);
  assert.equal(originalOf({ ...hit('x\n', 'x'), id: 'of-something-else' }), undefined);
});

test('the bytes of the archive are the original', () => {
  const raw = Buffer.from([0xff, 0x0d, 0x0a]);
  assert.deepEqual(originalOf({ ...hit('x', 'of the store'), raw }), raw);
});
