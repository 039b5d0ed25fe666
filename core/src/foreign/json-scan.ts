/**
 * Finds where JSON values begin and end, in bytes and without making anything of them: memory does not grow with what
 * a foreign record nests. What is inside a value is not checked.
 */

export interface Slice {
  from: number;
  to: number;
}

export interface Member extends Slice {
  name: string;
}

const membersMax = 256;
const nameBytesMax = 256;

/** Members of the object that `bytes` are; undefined when they are no object, or one with too many members. */
export function objectMembers(bytes: Buffer): Member[] | undefined {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== brace) return undefined;
  const members: Member[] = [];
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === closingBrace) return members;
  for (;;) {
    const nameEnd = bytes[at] === quote ? stringEnd(bytes, at) : -1;
    if (nameEnd < 0 || nameEnd - at > nameBytesMax || members.length >= membersMax) return undefined;
    const name = bytes.toString('utf8', at + 1, nameEnd - 1);
    at = skipSpace(bytes, nameEnd);
    if (bytes[at] !== colon) return undefined;
    const from = skipSpace(bytes, at + 1);
    const to = valueEnd(bytes, from);
    if (to < 0) return undefined;
    members.push({ name, from, to });
    at = skipSpace(bytes, to);
    if (bytes[at] === closingBrace) return skipSpace(bytes, at + 1) === bytes.length ? members : undefined;
    if (bytes[at] !== comma) return undefined;
    at = skipSpace(bytes, at + 1);
  }
}

/** Elements of the array at `from`, lazily; undefined is yielded, and ends it, where it is none. */
export function* arrayElements(bytes: Buffer, from: number): Generator<Slice | undefined> {
  let at = skipSpace(bytes, from + 1);
  if (bytes[from] !== bracket) return yield undefined;
  if (bytes[at] === closingBracket) return;
  for (;;) {
    const to = valueEnd(bytes, at);
    if (to < 0) return yield undefined;
    yield { from: at, to };
    at = skipSpace(bytes, to);
    if (bytes[at] === closingBracket) return;
    if (bytes[at] !== comma) return yield undefined;
    at = skipSpace(bytes, at + 1);
  }
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const bracket = 0x5b;
const closingBracket = 0x5d;
const brace = 0x7b;
const closingBrace = 0x7d;

/** -1: the value does not end. */
function valueEnd(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === quote) return stringEnd(bytes, from);
  if (first !== brace && first !== bracket) return wordEnd(bytes, from);
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      at = stringEnd(bytes, at) - 1;
      if (at < 0) return -1;
    } else if (byte === brace || byte === bracket) depth++;
    else if ((byte === closingBrace || byte === closingBracket) && --depth === 0) return at + 1;
  }
  return -1;
}

function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) return at + 1;
    if (byte === backslash) at++;
  }
  return -1;
}

/** A number, true, false, null. */
function wordEnd(bytes: Buffer, from: number): number {
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === comma || byte === closingBrace || byte === closingBracket || isSpace(byte)) break;
  }
  return at === from ? -1 : at;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at] ?? 0)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
