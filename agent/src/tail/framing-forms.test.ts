import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileDecoder } from '@millrace/core/parse/encoding.ts';
import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import fc from 'fast-check';
import type { Framing } from '../config/pipeline.ts';
import { cutRecords } from './framing.ts';
import { markedEncoding, textEncoding } from './text-encoding.ts';

interface Piece {
  bytes: Buffer;
  /** Goes on in the next piece. */
  continued: boolean;
}

/** Reads `bytes` as a file's reader does that gets them in chunks of these sizes, over and over. */
function read(
  framing: Framing,
  label: string | undefined,
  bytes: Buffer,
  chunks: number[],
  final = true,
): Piece[] {
  const encoding = textEncoding(label);
  const pieces: Piece[] = [];
  let position = 0;
  let readTo = 0;
  for (let i = 0; ; i++) {
    const last = readTo === bytes.length;
    const pending = bytes.subarray(position, readTo);
    for (let rest = pending; ; ) {
      const cut = cutRecords(framing, rest, payloadBytesMax, last && final, encoding);
      let at = 0;
      const lengths = cut.lengths ?? linesOf(rest.subarray(0, cut.size));
      for (const [n, length] of lengths.entries()) {
        const continued = cut.continued && n === lengths.length - 1;
        pieces.push({ bytes: rest.subarray(at, at + length), continued });
        at += length;
      }
      assert.equal(at, cut.size, 'lengths sum to what was cut');
      position += cut.size;
      rest = rest.subarray(cut.size);
      if (!cut.continued) break;
    }
    if (last) return pieces;
    readTo = Math.min(bytes.length, readTo + (chunks[i % chunks.length] ?? 1));
  }
}

/** As a block's reader cuts what has no table of lengths. */
function linesOf(bytes: Buffer): number[] {
  const lengths: number[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start) + 1 || bytes.length;
    lengths.push(end - start);
    start = end;
  }
  return lengths;
}

function texts(pieces: Piece[], label: string | undefined): string[] {
  const decode = compileDecoder(label);
  return pieces.map(({ bytes }) => decode(bytes, 0, bytes.length));
}

/** Bytes of each encoding, written out: Node itself encodes only UTF-8 and UTF-16LE. */
const legacy: Record<string, Record<string, number[]>> = {
  'euc-kr': { 가: [0xb0, 0xa1], 첫: [0xc3, 0xb9], 힣: [0xc6, 0x52] },
  shift_jis: { 表: [0x95, 0x5c], ソ: [0x83, 0x5c], 初: [0x8f, 0x89] },
  'euc-jp': { 表: [0xc9, 0xbd], 初: [0xbd, 0xe9], 丂: [0x8f, 0xb0, 0xa1] },
  gbk: { 首: [0xca, 0xd7], 乗: [0x81, 0x5c], 丂: [0x81, 0x40] },
  'windows-1252': { é: [0xe9], '€': [0x80], ü: [0xfc] },
  'windows-1251': { Ж: [0xc6], я: [0xff], ё: [0xb8] },
};

function encode(text: string, label: string | undefined): Buffer {
  if (label === undefined) return Buffer.from(text);
  if (label === 'utf-16le') return Buffer.from(text, 'utf16le');
  if (label === 'utf-16be') return Buffer.from(text, 'utf16le').swap16();
  return Buffer.concat([...text].map((char) => Buffer.from(legacy[label]?.[char] ?? [char.charCodeAt(0)])));
}

/** Characters whose bytes look like others, in each encoding; the first one is in the first-line pattern. */
const alphabets: [label: string | undefined, characters: string[]][] = [
  [undefined, ['첫', 'é', '𝄞', 'a']],
  // U+0A0A and U+0A00 are made of the bytes of line ends.
  ['utf-16le', ['첫', '\u0a0a', '\u0a00', '𝄞', 'Ċ']],
  ['utf-16be', ['첫', '\u0a0a', '\u0a00', '𝄞', 'Ċ']],
  ...Object.entries(legacy).map(([label, map]): [string, string[]] => [label, Object.keys(map)]),
];

const cri = (stream: string, tag: string, text: string) =>
  `2026-01-02T03:04:05.6Z ${stream} ${tag} ${text}\n`;
const docker = (stream: string, log: string) => `${JSON.stringify({ log, stream, time: 't' })}\n`;

function framings(first: string): [name: string, framing: Framing, lines: string[]][] {
  const firstline = new RegExp(`^${first}`);
  return [
    ['newline', { type: 'newline' }, ['x', '', `${first}y`]],
    [
      'multiline',
      { type: 'multiline', firstline, firstlineSource: '', bounds: { lines: 3, bytes: 60 } },
      [`${first} begins`, ' goes on', ''],
    ],
    [
      'continuation',
      { type: 'continuation', continuation: /^\s/, name: '', bounds: { lines: 4, bytes: 90 } },
      [`${first} begins`, '\tat', ' x'],
    ],
    [
      'matching',
      { type: 'matching', whole: new RegExp(`${first}[^]*end`), bounds: { lines: 4, bytes: 200 } },
      [`${first} begins`, 'middle', 'end'],
    ],
  ];
}

describe('the records are the same however a file is read', () => {
  for (const [label, characters] of alphabets)
    for (const [name, framing, lines] of framings(characters[0] ?? '')) {
      test(`${label ?? 'utf-8'}, ${name}`, () => {
        const line = fc
          .tuple(
            fc.constantFrom(...lines),
            fc.array(fc.constantFrom(...characters, ' ', 'b'), { maxLength: 6 }),
          )
          .map(([start, rest]) => `${start}${rest.join('')}\n`);
        const chunks = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
        fc.assert(
          fc.property(fc.array(line, { maxLength: 12 }), chunks, (parts, sizes) => {
            const text = parts.join('');
            const bytes = encode(text, label);
            const whole = read(framing, label, bytes, [bytes.length || 1]);
            assert.deepEqual(read(framing, label, bytes, sizes), whole);
            assert.deepEqual(read(framing, label, bytes, [1]), whole, 'byte by byte');
            assert.equal(texts(whole, label).join(''), text, 'no character is split');
            if (name === 'newline') assert.deepEqual(texts(whole, label), parts);
          }),
          { numRuns: 60 },
        );
      });
    }

  const messages = fc.constantFrom(
    cri('stdout', 'P', 'one'),
    cri('stdout', 'F', 'end P'),
    cri('stderr', 'P', ''),
    cri('stderr', 'F:x', 'two'),
    'no such line\n',
  );
  const logs = fc.constantFrom(
    docker('stdout', 'whole\n'),
    docker('stdout', 'part","stream":"'),
    docker('stdout', 'a backslash and an n: \\n'),
    docker('stderr', 'other'),
    '{"stream":"stdout","log":"turned round\\n"}\n',
    'no such line\n',
  );
  for (const [type, line] of [
    ['cri', messages],
    ['docker', logs],
  ] as const)
    test(type, () => {
      const framing: Framing = { type, bounds: { lines: 4, bytes: 200 } };
      fc.assert(
        fc.property(fc.array(line, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (parts, size) => {
          const bytes = Buffer.from(parts.join(''));
          const whole = read(framing, undefined, bytes, [bytes.length || 1]);
          assert.deepEqual(read(framing, undefined, bytes, [size]), whole);
          assert.deepEqual(read(framing, undefined, bytes, [1]), whole);
          assert.equal(texts(whole, undefined).join(''), parts.join(''));
        }),
      );
    });
});

describe("a container's message is one record", () => {
  const o = (tag: string, text: string) => cri('stdout', tag, text);
  const e = (tag: string, text: string) => cri('stderr', tag, text);
  const cases: [name: string, type: 'cri' | 'docker', records: string[][], interleaved: number][] = [
    ['whole lines', 'cri', [[o('F', 'a')], [e('F', 'b')]], 0],
    ['parts in a row', 'cri', [[o('P', 'a'), o('P', 'b'), o('F', 'c')], [o('F', 'd')]], 0],
    ['tags behind the first', 'cri', [[o('P:x', 'a'), o('F:y', 'b')]], 0],
    ['another stream between its parts', 'cri', [[o('P', 'a')], [e('F', 'b')], [o('F', 'c')]], 1],
    ['a line that is none between its parts', 'cri', [[o('P', 'a')], ['what\n'], [o('F', 'c')]], 1],
    ['an empty text', 'cri', [[o('F', '')], [o('F', 'b')]], 0],
    [
      'parts in a row',
      'docker',
      [[docker('stdout', 'a'), docker('stdout', 'b\n')], [docker('stdout', 'c\n')]],
      0,
    ],
    ['a newline that is spelt', 'docker', [[docker('stdout', 'a\\n'), docker('stdout', 'b\n')]], 0],
    ['streams', 'docker', [[docker('stdout', 'a')], [docker('stderr', 'x\n')], [docker('stdout', 'b\n')]], 1],
  ];
  for (const [name, type, records, interleaved] of cases)
    test(`${type}: ${name}`, () => {
      const bytes = Buffer.from(records.flat().join(''));
      const pieces = read({ type }, undefined, bytes, [bytes.length], false);
      assert.deepEqual(
        texts(pieces, undefined),
        records.map((lines) => lines.join('')),
      );
      const cut = cutRecords({ type }, bytes, payloadBytesMax, false);
      assert.equal(cut.interleaved ?? 0, interleaved);
    });

  test('whole messages need no table of lengths', () => {
    assert.equal(
      cutRecords({ type: 'cri' }, Buffer.from(o('F', 'a') + o('F', 'b')), 9999, false).lengths,
      undefined,
    );
  });

  test('the last part waits for what follows', () => {
    assert.equal(cutRecords({ type: 'cri' }, Buffer.from(o('P', 'a')), 9999, false).size, 0);
  });
});

describe('what is too long is cut, and flagged', () => {
  test('a group at its line bound', () => {
    const framing: Framing = {
      type: 'continuation',
      continuation: /^ /,
      name: '',
      bounds: { lines: 2, bytes: 999 },
    };
    const pieces = read(framing, undefined, Buffer.from('a\n b\n c\n d\n e\nf\n'), [3]);
    assert.deepEqual(texts(pieces, undefined), ['a\n b\n', ' c\n d\n', ' e\n', 'f\n']);
    assert.deepEqual(
      pieces.map(({ continued }) => continued),
      [true, true, false, false],
    );
  });

  test('a group at its byte bound, before the line that would pass it', () => {
    const framing: Framing = {
      type: 'continuation',
      continuation: /^ /,
      name: '',
      bounds: { lines: 99, bytes: 6 },
    };
    const pieces = read(framing, undefined, Buffer.from('a\n b\n cccccccc\nd\n'), [4]);
    assert.deepEqual(texts(pieces, undefined), ['a\n b\n', ' cccccccc\n', 'd\n']);
  });

  test('a record longer than a block, without splitting a character of any encoding', () => {
    for (const [label, characters] of alphabets)
      for (const lead of ['', 'b', 'bb', 'bbb']) {
        const text = `${lead}${[...characters, 'b'].join('').repeat(400_000)}\n`
          .slice(0, 1_100_000)
          .replace(/[\ud800-\udbff]$/, '');
        const bytes = encode(text, label);
        const pieces = read({ type: 'newline' }, label, bytes, [payloadBytesMax]);
        assert.ok(pieces.length > 1 && (pieces[0]?.bytes.length ?? 0) > payloadBytesMax - 4);
        assert.equal(texts(pieces, label).join('') === text, true, `${label} ${lead}`);
      }
  });
});

test('a byte order mark names the encoding once enough of it is there', () => {
  const cases: [number[], string | undefined][] = [
    [[0xff, 0xfe], 'utf-16le'],
    [[0xfe, 0xff, 0], 'utf-16be'],
    [[0xef, 0xbb, 0xbf, 0x61], undefined],
  ];
  for (const [bytes, label] of cases) {
    const found = markedEncoding(Buffer.from(bytes));
    assert.ok(typeof found === 'object');
    assert.equal(found.label, label);
    assert.equal(markedEncoding(Buffer.from(bytes.slice(0, 1))), 'undecided');
  }
  assert.equal(markedEncoding(Buffer.from('ab')), 'none');
  assert.equal(markedEncoding(Buffer.from([0xff, 0x61])), 'none');
});
