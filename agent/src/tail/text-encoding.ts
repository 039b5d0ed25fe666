import { compileDecoder, type Decode, isUtf8 } from '@millrace/core/parse/encoding.ts';

/** What framing has to know of a file's encoding. */
export interface TextEncoding {
  /** WHATWG label for the rule; undefined is UTF-8. */
  label: string | undefined;
  /** Bytes of a code unit: 1, or 2 where the byte 0x0a alone does not end a line. */
  unit: 1 | 2;
  /** Position behind the first line end at or after `from`, which begins a unit; 0 when there is none. */
  lineEnd(bytes: Buffer, from: number): number;
  decode: Decode;
  /** The largest position <= `at` that splits no character, of bytes that begin with a whole one. */
  boundary(bytes: Buffer, at: number): number;
}

const bigEndian = 'utf-16be';
const encodings = new Map<string | undefined, TextEncoding>();

/** @throws MillraceError RULE_INVALID for a label that does not exist */
export function textEncoding(label: string | undefined): TextEncoding {
  const name = isUtf8(label) ? undefined : label;
  let encoding = encodings.get(name);
  if (encoding === undefined) {
    encoding = create(name);
    encodings.set(name, encoding);
  }
  return encoding;
}

const marks: [bytes: Buffer, label: string | undefined][] = [
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), bigEndian],
  [Buffer.from([0xef, 0xbb, 0xbf]), undefined],
];

/**
 * The encoding that a file's first bytes name by a byte order mark; 'undecided' while they could still become one,
 * 'none' when they don't.
 */
export function markedEncoding(start: Buffer): TextEncoding | 'undecided' | 'none' {
  for (const [mark, label] of marks) {
    const size = Math.min(mark.length, start.length);
    if (!start.subarray(0, size).equals(mark.subarray(0, size))) continue;
    return size === mark.length ? textEncoding(label) : 'undecided';
  }
  return 'none';
}

function create(label: string | undefined): TextEncoding {
  const decode = compileDecoder(label);
  if (label?.startsWith('utf-16')) {
    const high = label === bigEndian ? 0 : 1;
    return {
      label,
      unit: 2,
      decode,
      lineEnd: (bytes, from) => wideLineEnd(bytes, from, high),
      boundary: (bytes, at) => wideBoundary(bytes, at, high),
    };
  }
  const width = widths[label ?? ''];
  const boundary = label === undefined ? utf8Boundary : legacyBoundary(width);
  return { label, unit: 1, decode, boundary, lineEnd: (bytes, from) => bytes.indexOf(0x0a, from) + 1 };
}

function wideLineEnd(bytes: Buffer, from: number, high: 0 | 1): number {
  const parity = (from + 1 - high) & 1;
  for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    const start = at - 1 + high;
    if ((at & 1) === parity && start >= from && start + 1 < bytes.length && bytes[start + high] === 0)
      return start + 2;
  }
  return 0;
}

/** Not within a unit, and not between the two of a surrogate pair. */
function wideBoundary(bytes: Buffer, at: number, high: 0 | 1): number {
  const end = at & ~1;
  const last = bytes[end - 2 + high] ?? 0;
  return end > 2 && last >= 0xd8 && last < 0xdc ? end - 2 : end;
}

/** Decided by what is before `at`, since what follows may not have been read; `at` for bytes that are not UTF-8. */
function utf8Boundary(bytes: Buffer, at: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[at - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? at - back : at;
  }
  return at;
}

/** Bytes of a character by its first two. No line end is part of one in any of these encodings. */
type Width = (first: number, second: number) => number;

const twoBytes: Width = (first) => (first > 0x80 && first < 0xff ? 2 : 1);
const chinese: Width = (first, second) =>
  first > 0x80 && first < 0xff ? (second >= 0x30 && second <= 0x39 ? 4 : 2) : 1;

const widths: Readonly<Record<string, Width>> = {
  'euc-kr': twoBytes,
  big5: twoBytes,
  gbk: chinese,
  gb18030: chinese,
  'euc-jp': (first) => (first === 0x8f ? 3 : first === 0x8e || (first >= 0xa1 && first < 0xff) ? 2 : 1),
  shift_jis: (first) => ((first > 0x80 && first < 0xa0) || (first >= 0xe0 && first < 0xfd) ? 2 : 1),
};

/** A later byte of these can look like a first one, so the characters are counted from the start. */
function legacyBoundary(width: Width | undefined): TextEncoding['boundary'] {
  if (width === undefined) return (_, at) => at;
  return (bytes, at) => {
    let end = 0;
    while (end < at) {
      const next = end + width(bytes[end] ?? 0, bytes[end + 1] ?? 0);
      if (next > at) return end > 0 ? end : at;
      end = next;
    }
    return at;
  };
}
