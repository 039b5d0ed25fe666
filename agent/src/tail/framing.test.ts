import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import fc from 'fast-check';
import { cutRecords } from './framing.ts';

const newline = { type: 'newline' } as const;
const multiline = { type: 'multiline', firstline: /^\d/, firstlineSource: '^\\d' } as const;

const cases: [string, typeof newline | typeof multiline, string, boolean, number, number[] | undefined][] = [
  ['whole lines', newline, 'a\nb\n', false, 4, undefined],
  ['an unfinished line waits', newline, 'a\nb', false, 2, undefined],
  ['nothing whole', newline, 'abc', false, 0, undefined],
  ['final takes the unfinished line', newline, 'a\nb', true, 3, undefined],
  ['the last group waits for the next first line', multiline, '1 a\n b\n2 c\n', false, 7, [7]],
  ['an unfinished first line decides nothing', multiline, '1 a\n b\n2', false, 0, []],
  ['final takes the last group', multiline, '1 a\n b\n2 c', true, 10, [7, 3]],
  ['lines before the first first line are a group', multiline, ' x\n y\n1 a\n2', false, 6, [6]],
];
for (const [name, framing, text, final, size, lengths] of cases) {
  test(name, () => {
    const cut = cutRecords(framing, Buffer.from(text), payloadBytesMax, final);
    assert.equal(cut.size, size);
    assert.deepEqual(cut.lengths, lengths);
  });
}

test('records never pass the room that the block has left', () => {
  assert.equal(cutRecords(newline, Buffer.from('aaaa\nbbbb\n'), 7, false).size, 5);
  assert.deepEqual(cutRecords(multiline, Buffer.from('1 a\n2 b\n3 c\n'), 9, false).lengths, [4, 4]);
  assert.equal(cutRecords(newline, Buffer.from('aaaa\n'), 0, true).size, 0);
});

test('an over-long record is cut at the limit, before a UTF-8 sequence that lies across it', () => {
  const bytes = Buffer.alloc(payloadBytesMax, 'x');
  Buffer.from('\uac00').copy(bytes, payloadBytesMax - 1);
  const cut = cutRecords(newline, Buffer.concat([bytes, Buffer.from([0xb0, 0x80])]), payloadBytesMax, false);
  assert.deepEqual(cut, { size: payloadBytesMax - 1, continued: true });
  const invalid = Buffer.alloc(payloadBytesMax, 0x80);
  assert.equal(cutRecords(newline, invalid, payloadBytesMax, false).size, payloadBytesMax);
});

test('group lengths always sum to what was cut', () => {
  const line = fc.constantFrom('1 first\n', ' more\n', '\n', '2\n', ' unfinished');
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.integer({ min: 0, max: 60 }), (parts, final, room) => {
      const cut = cutRecords(multiline, Buffer.from(parts.join('')), room, final);
      assert.equal(
        (cut.lengths ?? []).reduce((sum, length) => sum + length, 0),
        cut.size,
      );
      assert.ok(cut.size <= room);
    }),
  );
});
