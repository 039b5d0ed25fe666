import { MillraceError } from '@millrace/core/errors.ts';

/**
 * MessagePack as far as Forward needs it: where values begin and end, so that records become JSON without being made
 * into objects: names that occur twice, `__proto__`, 64-bit integers and bytes that are no UTF-8 all stay as they came.
 */
export type Kind = 'nil' | 'bool' | 'int' | 'float' | 'text' | 'array' | 'map' | 'ext';

/** The head of a value. */
export interface Head {
  kind: Kind;
  /** Bytes of the head itself. */
  size: number;
  /** Bytes that follow, of text, binary and extensions. */
  bytes?: number;
  /** Values that follow: items of an array, names and values of a map. */
  items?: number;
  /** Of nil, bool, int and float. */
  value?: null | boolean | number | bigint;
  /** Of an extension. */
  type?: number;
}

/** The head at `at`; undefined when it is not there as a whole. @throws MillraceError WIRE_CORRUPT for the one byte that begins nothing */
export function headAt(bytes: Buffer, at: number): Head | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first <= 0x7f) return { kind: 'int', size: 1, value: first };
  if (first >= 0xe0) return { kind: 'int', size: 1, value: first - 0x100 };
  if (first >= 0xa0 && first <= 0xbf) return { kind: 'text', size: 1, bytes: first & 0x1f };
  if (first <= 0x8f) return { kind: 'map', size: 1, items: (first & 0x0f) * 2 };
  if (first <= 0x9f) return { kind: 'array', size: 1, items: first & 0x0f };
  const read = readers[first - 0xc0];
  if (read === undefined) throw new MillraceError('WIRE_CORRUPT', 'no MessagePack: a byte c1');
  return at + read.size <= bytes.length ? read.head(bytes, at + 1, read.size) : undefined;
}

/** Where the value at `at` ends. @throws MillraceError WIRE_CORRUPT when it is cut short */
export function endOf(bytes: Buffer, at: number): number {
  let end = at;
  for (let left = 1; left > 0; left--) {
    const first = bytes[end] as number;
    // Most values, without a head to be collected: short text, small numbers, short maps and arrays.
    if (first < 0xc0 && end < bytes.length) {
      if (first >= 0xa0) end += 1 + (first & 0x1f);
      else {
        end++;
        if (first >= 0x90) left += first & 0x0f;
        else if (first >= 0x80) left += (first & 0x0f) * 2;
      }
      continue;
    }
    const head = wholeHead(bytes, end);
    end += head.size + (head.bytes ?? 0);
    left += head.items ?? 0;
  }
  if (end > bytes.length) throw cutShort();
  return end;
}

/** @throws MillraceError WIRE_CORRUPT when it is cut short */
export function wholeHead(bytes: Buffer, at: number): Head {
  const head = headAt(bytes, at);
  if (head === undefined || at + head.size + (head.bytes ?? 0) > bytes.length) throw cutShort();
  return head;
}

/** The bytes of text or binary; undefined for values of other kinds. */
export function textAt(bytes: Buffer, at: number): Buffer | undefined {
  const head = wholeHead(bytes, at);
  if (head.kind !== 'text') return undefined;
  return bytes.subarray(at + head.size, at + head.size + (head.bytes ?? 0));
}

function cutShort(): MillraceError {
  return new MillraceError('WIRE_CORRUPT', 'MessagePack that is cut short');
}

interface Reader {
  /** Bytes of the head. */
  size: number;
  head(bytes: Buffer, at: number, size: number): Head;
}

function constant(value: null | boolean): Reader {
  const kind = value === null ? 'nil' : 'bool';
  return { size: 1, head: (_bytes, _at, size) => ({ kind, size, value }) };
}

function number(
  kind: 'int' | 'float',
  width: number,
  read: (bytes: Buffer, at: number) => number | bigint,
): Reader {
  return { size: 1 + width, head: (bytes, at, size) => ({ kind, size, value: read(bytes, at) }) };
}

function text(width: number): Reader {
  return {
    size: 1 + width,
    head: (bytes, at, size) => ({ kind: 'text', size, bytes: bytes.readUIntBE(at, width) }),
  };
}

function group(kind: 'array' | 'map', width: number): Reader {
  const each = kind === 'map' ? 2 : 1;
  return {
    size: 1 + width,
    head: (bytes, at, size) => ({ kind, size, items: bytes.readUIntBE(at, width) * each }),
  };
}

function extension(width: number): Reader {
  return {
    size: 2 + width,
    head: (bytes, at, size) => ({
      kind: 'ext',
      size,
      bytes: bytes.readUIntBE(at, width),
      type: bytes.readInt8(at + width),
    }),
  };
}

function fixedExtension(length: number): Reader {
  return {
    size: 2,
    head: (bytes, at, size) => ({ kind: 'ext', size, bytes: length, type: bytes.readInt8(at) }),
  };
}

/** c0 to df. */
const readers: readonly (Reader | undefined)[] = [
  constant(null),
  undefined,
  constant(false),
  constant(true),
  ...[1, 2, 4].map(text), // binary: Ruby's strings are sent as either
  ...[1, 2, 4].map(extension),
  number('float', 4, (bytes, at) => bytes.readFloatBE(at)),
  number('float', 8, (bytes, at) => bytes.readDoubleBE(at)),
  number('int', 1, (bytes, at) => bytes.readUInt8(at)),
  number('int', 2, (bytes, at) => bytes.readUInt16BE(at)),
  number('int', 4, (bytes, at) => bytes.readUInt32BE(at)),
  number('int', 8, (bytes, at) => bytes.readBigUInt64BE(at)),
  number('int', 1, (bytes, at) => bytes.readInt8(at)),
  number('int', 2, (bytes, at) => bytes.readInt16BE(at)),
  number('int', 4, (bytes, at) => bytes.readInt32BE(at)),
  number('int', 8, (bytes, at) => bytes.readBigInt64BE(at)),
  ...[1, 2, 4, 8, 16].map(fixedExtension),
  ...[1, 2, 4].map(text),
  ...[2, 4].map((width) => group('array', width)),
  ...[2, 4].map((width) => group('map', width)),
];
