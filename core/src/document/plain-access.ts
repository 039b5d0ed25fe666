/** Bytes that `writeAccessJson` adds to those of a line at most. */
export const accessNamesBytes = 160;

const space = 0x20;
const quote = 0x22;
const minus = 0x2d;
const zero = 0x30;

/**
 * The JSON of an access log's line in `bytes[start, end)` under fluentd's names, from bytes to bytes: what the parser and
 * the writer of its fields make of it, for the lines that nearly all are. -1 for any other (nothing is said about it, and
 * what is behind `at` may be overwritten), else the end of the text. `into` has room for the line and
 * `accessNamesBytes`.
 */
export function writeAccessJson(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  const stop = end > start && bytes[end - 1] === 0x0a ? end - 1 : end;
  let to = write(into, at, remoteName);
  // The columns between spaces: each must be there, and the second be "-".
  let next = copy(bytes, start, stop, into, to, space);
  if (next <= start || bytes[next + 1] !== minus || bytes[next + 2] !== space) return -1;
  to = write(into, to + next - start, userName);
  const user = next + 3;
  next = copy(bytes, user, stop, into, to, space);
  if (next <= user || bytes[next + 1] !== 0x5b) return -1;
  to = write(into, to + next - user, methodName);
  const method = requestAt(bytes, next + 2, stop);
  if (method < 0) return -1;
  next = copyToken(bytes, method, stop, into, to);
  if (next <= method || next - method > 32 || bytes[next] !== space) return -1;
  to = write(into, to + next - method, pathName);
  const target = next + 1;
  next = copy(bytes, target, stop, into, to, space);
  if (next <= target || !startsWith(bytes, next, version)) return -1;
  to += next - target;
  const status = versionEnd(bytes, next + version.length, stop) + 2;
  if (status < 2) return -1;
  return writeAnswer(bytes, status, stop, into, to);
}

/** From the status on. */
function writeAnswer(bytes: Uint8Array, status: number, stop: number, into: Uint8Array, at: number): number {
  const size = status + 4;
  const first = bytes[status] as number;
  // Numbers are written as they stand: without zeros before them.
  if (first === zero || size >= stop || bytes[status - 1] !== space || bytes[status + 3] !== space) return -1;
  for (let i = status; i < status + 3; i++) if (!isDigit(bytes[i] as number)) return -1;
  let to = write(into, at, codeName);
  into[to] = first;
  into[to + 1] = bytes[status + 1] as number;
  into[to + 2] = bytes[status + 2] as number;
  to = write(into, to + 3, sizeName);
  let next = size;
  if (bytes[next] === minus) into[to++] = bytes[next++] as number;
  else for (; next < stop && isDigit(bytes[next] as number); next++) into[to++] = bytes[next] as number;
  const width = next - size;
  if (width === 0 || width > 15 || (width > 1 && bytes[size] === zero)) return -1;
  if (next === stop) return write(into, to, lineEnd);
  if (bytes[next] !== space || bytes[next + 1] !== quote) return -1;
  next = copyOptional(bytes, next + 2, stop, into, to, referrerName);
  if (next < 0 || bytes[next + 1] !== space || bytes[next + 2] !== quote) return -1;
  to = optionalEnd;
  next = copyOptional(bytes, next + 3, stop, into, to, agentName);
  return next === stop - 1 ? write(into, optionalEnd, lineEnd) : -1;
}

/** Where `copyOptional` ended in the text that is written. */
let optionalEnd = 0;

/** A column in quotes with its name before it, both left out for "-" and nothing; the place of the quote behind it. */
function copyOptional(
  bytes: Uint8Array,
  from: number,
  stop: number,
  into: Uint8Array,
  at: number,
  name: Uint8Array,
): number {
  const to = write(into, at, name);
  const end = copy(bytes, from, stop, into, to, quote);
  const none = end === from || (end === from + 1 && bytes[from] === minus);
  optionalEnd = none ? at : to + end - from;
  return end;
}

/** Copies up to `last`, whose place it answers; -1 when there is none, or something before it needs a closer look. */
function copy(
  bytes: Uint8Array,
  from: number,
  stop: number,
  into: Uint8Array,
  at: number,
  last: number,
): number {
  let to = at;
  for (let next = from; next < stop; next++) {
    const byte = bytes[next] as number;
    if (byte === last) return next;
    if (plain[byte] === 0) return -1;
    into[to++] = byte;
  }
  return -1;
}

/** Copies the letters, digits, `-` and `_` at `from`; where they end. */
function copyToken(bytes: Uint8Array, from: number, stop: number, into: Uint8Array, at: number): number {
  let next = from;
  for (let to = at; next < stop && token[bytes[next] as number] === 1; next++)
    into[to++] = bytes[next] as number;
  return next;
}

/** Behind the `] "` that ends the time at `from`. */
function requestAt(bytes: Uint8Array, from: number, stop: number): number {
  for (let next = from; next < stop; next++) {
    const byte = bytes[next] as number;
    if (byte === 0x5d) return bytes[next + 1] === space && bytes[next + 2] === quote ? next + 3 : -1;
    if (plain[byte] === 0) return -1;
  }
  return -1;
}

/** The quote behind a version, which holds no space; far below zero where there is none. */
function versionEnd(bytes: Uint8Array, from: number, stop: number): number {
  for (let next = from; next < stop; next++) {
    const byte = bytes[next] as number;
    if (byte === quote) return next;
    if (byte === space || plain[byte] === 0) break;
  }
  return -1000;
}

function startsWith(bytes: Uint8Array, from: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false;
  return true;
}

function write(into: Uint8Array, at: number, text: Uint8Array): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text[i] as number;
  return at + text.length;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= 0x39;
}

const remoteName = ascii('{"remote":"');
const userName = ascii('","host":"-","user":"');
const methodName = ascii('","method":"');
const pathName = ascii('","path":"');
const codeName = ascii('","code":"');
const sizeName = ascii('","size":"');
const referrerName = ascii('","referer":"');
const agentName = ascii('","agent":"');
const lineEnd = ascii('"}');
const version = ascii(' HTTP/');

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** 1: a byte that stands in JSON as it is, and is a character by itself. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== quote && byte !== 0x5c ? 1 : 0,
);

const token = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9_-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
