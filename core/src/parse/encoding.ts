import { isAscii } from 'node:buffer';
import iconv from 'iconv-lite';
import { MillraceError } from '../errors.ts';

/** The text of `bytes[start, end)`: invalid sequences become U+FFFD, a leading byte order mark is not text. */
export type Decode = (bytes: Buffer, start: number, end: number) => string;

const byteOrderMark = 0xfeff;

/**
 * A decoder by WHATWG label; undefined is UTF-8.
 * @throws MillraceError RULE_INVALID for a label that does not exist
 */
export function compileDecoder(label: string | undefined): Decode {
  if (isUtf8(label)) return decodeUtf8;
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(label);
  } catch (cause) {
    throw new MillraceError('RULE_INVALID', `encoding ${JSON.stringify(label)} does not exist`, {
      cause,
      hint: 'use a label of the WHATWG Encoding Standard such as euc-kr, shift_jis, utf-16le or latin1',
    });
  }
  // Node's own decoder lacks the thousands of syllables that Windows adds to it, and the standard's euc-kr has.
  if (decoder.encoding === 'euc-kr')
    return (bytes, start, end) => iconv.decode(bytes.subarray(start, end), 'cp949');
  return (bytes, start, end) => decoder.decode(bytes.subarray(start, end));
}

/** True for the labels that a payload of ASCII needs no decoding for. */
export function isUtf8(label: string | undefined): boolean {
  return label === undefined || /^(?:utf-?8|unicode-1-1-utf-8)$/.test(label);
}

/** Removes the record's terminator: one "\n", then one "\r". */
export function withoutTerminator(text: string): string {
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === 0x0a) end--;
  if (end > 0 && text.charCodeAt(end - 1) === 0x0d) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** Bytes as one string where that is certain to be their UTF-8 reading at any cut, else undefined. */
export function asciiText(bytes: Buffer): string | undefined {
  return isAscii(bytes) ? bytes.toString('latin1') : undefined;
}

function decodeUtf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}
