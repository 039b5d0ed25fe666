import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, type FrameType } from './frames.ts';

function cut(type: FrameType, pieces: Uint8Array[], limit = 1000, delimiter = '\n'): string[] {
  const reader = new FrameReader(type, delimiter, limit);
  const frames = pieces.flatMap((piece) => [...reader.feed(Buffer.from(piece))]);
  const last = reader.end();
  return [...frames, ...(last ? [last] : [])].map(
    ({ bytes, cut: more }) => bytes.toString('latin1') + (more ? '…' : ''),
  );
}

test('messages are told apart by a count or by a delimiter', async (t) => {
  const cases: [string, FrameType, string, string[]][] = [
    ['lines', 'auto', '<13>a\n<14>b\n', ['<13>a', '<14>b']],
    ['counts', 'auto', '5 <13>a7 <14>b\nc5 <13>d', ['<13>a', '<14>b\nc', '<13>d']],
    ['both', 'auto', '5 <13>a<14>b\n6 <13>cc<15>d\n', ['<13>a', '<14>b', '<13>cc', '<15>d']],
    ['counts with newlines between them', 'auto', '5 <13>a\n5 <13>b\n', ['<13>a', '<13>b']],
    [
      'a line that begins with a number',
      'auto',
      '2026-01-02 text\n12 monkeys\n',
      ['2026-01-02 text', '12 monkeys'],
    ],
    ['a number that is too long for a count', 'auto', '1234567890 <13>a\n', ['1234567890 <13>a']],
    ['a count of zero', 'auto', '0 <13>a\n', ['0 <13>a']],
    ['counts where only lines are', 'traditional', '5 <13>a\n', ['5 <13>a']],
    ['counts without a priority', 'octet_count', '3 abc4 d\ne\n', ['abc', 'd\ne\n']],
    ['no count where one is to be', 'octet_count', '<13>a\n3 abc', ['<13>a', 'abc']],
    ['empty lines', 'auto', '\n\n<13>a\n\n', ['<13>a']],
    ['an unfinished line', 'auto', '<13>a\n<14>b', ['<13>a', '<14>b']],
    ['an unfinished count', 'auto', '50 <13>a', ['<13>a']],
  ];
  for (const [name, type, text, expected] of cases)
    await t.test(name, () => {
      const bytes = Buffer.from(text);
      assert.deepEqual(cut(type, [bytes]), expected);
      for (let at = 0; at <= bytes.length; at++)
        assert.deepEqual(cut(type, [bytes.subarray(0, at), bytes.subarray(at)]), expected);
      assert.deepEqual(
        cut(
          type,
          Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
        ),
        expected,
      );
    });
});

test('another delimiter, also one of several bytes', () => {
  assert.deepEqual(cut('auto', [Buffer.from('<13>a\0<14>b\nc\0')], 1000, '\0'), ['<13>a', '<14>b\nc']);
  const bytes = Buffer.from('<13>a\rb\r\n<14>c\r\n');
  assert.deepEqual(
    cut(
      'auto',
      Array.from(bytes, (byte) => Buffer.of(byte)),
      1000,
      '\r\n',
    ),
    ['<13>a\rb', '<14>c'],
  );
});

test('a message over the limit is cut, whatever pieces it comes in, and the next one is whole', () => {
  for (const text of [`<13>${'x'.repeat(21)}\n<14>b\n`, `25 <13>${'x'.repeat(21)}5 <14>b`]) {
    const bytes = Buffer.from(text);
    const expected = ['<13>xxxxxx…', 'xxxxxxxxxx…', 'xxxxx', '<14>b'];
    for (let at = 0; at <= bytes.length; at++)
      assert.deepEqual(cut('auto', [bytes.subarray(0, at), bytes.subarray(at)], 10), expected);
  }
  // Exactly the limit is whole.
  assert.deepEqual(cut('auto', [Buffer.from('<13>xxxxxx\n')], 10), ['<13>xxxxxx']);
});

test('no bytes are lost and no memory is taken beyond the limit, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.constantFrom<FrameType>('auto', 'octet_count'),
      (pieces, type) => {
        const all = Buffer.concat(pieces).toString('latin1');
        const whole = cut(type, [Buffer.from(all, 'latin1')], 16);
        assert.deepEqual(cut(type, pieces, 16), whole);
        const kept = (text: string) => text.replaceAll('\n', '').replaceAll('…', '');
        const digits = /[1-9]\d{0,8} /g;
        assert.equal(kept(whole.join('')).replace(digits, ''), kept(all).replace(digits, ''));
      },
    ),
  );
});
