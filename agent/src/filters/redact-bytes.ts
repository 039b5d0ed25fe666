import type { EdgeRecord } from '../filter/record.ts';
import { textEncoding } from '../tail/text-encoding.ts';

/** What stands in place of a stretch of a record's text, UTF-16 units; ASCII. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * A record's bytes with its text edited; terminator, byte order mark and, where the encoding cannot be written here,
 * all bytes around are as they were. Edits are in order and do not overlap.
 */
export function editedBytes(record: EdgeRecord, edits: Edit[]): Buffer {
  const { bytes, text, encoding } = record;
  const { label } = encoding;
  if (label === 'iso-2022-jp') return masked(bytes); // escapes change what bytes mean: nothing can be cut out
  if (label === undefined || label.startsWith('utf-16')) {
    const end = bytes.length - terminatorSize(bytes, label);
    return Buffer.concat([mark(bytes, label), encoded(editedText(text, edits), label), bytes.subarray(end)]);
  }
  const parts: Buffer[] = [];
  const byteAt = places(record);
  let at = 0;
  for (const { start, end, text: replacement } of edits) {
    parts.push(bytes.subarray(at, byteAt(start, false)), Buffer.from(replacement, 'latin1'));
    at = byteAt(end, true);
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

function editedText(text: string, edits: Edit[]): string {
  let edited = '';
  let at = 0;
  for (const { start, end, text: replacement } of edits) {
    edited += text.slice(at, start) + replacement;
    at = end;
  }
  return edited + text.slice(at);
}

function masked(bytes: Buffer): Buffer {
  const end = bytes.length - terminatorSize(bytes, undefined);
  return Buffer.concat([Buffer.alloc(end, '*'), bytes.subarray(end)]);
}

function encoded(text: string, label: string | undefined): Buffer {
  if (label === undefined) return Buffer.from(text);
  const units = Buffer.from(text.toWellFormed(), 'utf16le');
  return label === 'utf-16be' ? units.swap16() : units;
}

function mark(bytes: Buffer, label: string | undefined): Buffer {
  const found = label === undefined ? '\u{feff}' : bytes.length >= 2 ? '\u{feff}' : '';
  const expected = encoded(found, label);
  return bytes.subarray(0, expected.length).equals(expected) ? expected : Buffer.alloc(0);
}

/** One line feed, then one carriage return. */
function terminatorSize(bytes: Buffer, label: string | undefined): number {
  const unit = label === undefined ? 1 : 2;
  const high = label === 'utf-16be' ? 1 : 0;
  let size = 0;
  for (const code of [0x0a, 0x0d]) {
    const at = bytes.length - size - unit;
    if (at < 0 || bytes[at + high] !== code) continue;
    if (unit === 2 && bytes[at + 1 - high] !== 0) continue;
    size += unit;
  }
  return size;
}

/** Finds the byte where a unit of the text begins; where a character is several units, before or behind all of it. */
function places({ bytes, encoding }: EdgeRecord): (unit: number, behind: boolean) => number {
  const { boundary, decode } = textEncoding(encoding.label);
  const units = (at: number) => decode(bytes, 0, at).length;
  return (unit, behind) => {
    let low = 0;
    let high = bytes.length;
    // The most bytes that are at most so many units.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const at = boundary(bytes, middle);
      if (at <= low) {
        const next = nextBoundary(bytes, low, high, boundary);
        if (next > high || units(next) > unit) break;
        low = next;
      } else if (units(at) <= unit) low = at;
      else high = at - 1;
    }
    if (!behind || units(low) >= unit) return low;
    return nextBoundary(bytes, low, bytes.length, boundary);
  };
}

function nextBoundary(
  bytes: Buffer,
  from: number,
  end: number,
  boundary: (bytes: Buffer, at: number) => number,
): number {
  for (let at = from + 1; at <= Math.min(from + 4, end); at++) if (boundary(bytes, at) === at) return at;
  return Math.min(from + 1, end);
}
