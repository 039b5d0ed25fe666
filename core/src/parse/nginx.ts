import { type AccessLine, type Fields, type Parser, parseFailure } from './parsed.ts';

/**
 * nginx' `combined` format, Apache's `common` and `combined`, and what fluentd's nginx parser reads:
 * `remote host user [time] "request" status bytes ["referrer" "agent" [forwarded-for]]`. A user may contain spaces;
 * a request that is no request line is kept whole as the target; text after the known columns is left to `message`.
 */
export const parseNginx: Parser = (text) => {
  const access = scanNginx(text);
  return typeof access === 'string' ? parseFailure(access) : { fields: unnamedColumns(access), access };
};

/** Columns that ECS has no name for; hardly any line has them. */
function unnamedColumns(access: AccessLine): Fields | undefined {
  if (access.host === undefined && access.forwardedFor === undefined) return undefined;
  return { host: access.host, http_x_forwarded_for: access.forwardedFor };
}

const space = 0x20;
const quote = 0x22;
const backslash = 0x5c;

/** The columns, or the reason why the line has none. */
function scanNginx(text: string): AccessLine | string {
  const hostAt = text.indexOf(' ') + 1;
  if (hostAt < 2) return 'no client address';
  const userAt = text.indexOf(' ', hostAt) + 1;
  if (userAt === 0) return 'no user column';
  const timeAt = text.indexOf(' [', userAt) + 2;
  if (timeAt === 1) return 'no [time] column';
  const timeEnd = text.indexOf('] "', timeAt);
  if (timeEnd < 0) return 'no "request" column';
  const requestAt = timeEnd + 3;
  const requestEnd = closingQuote(text, requestAt);
  if (requestEnd < 0) return 'the "request" column does not end';
  const status = statusAt(text, requestEnd + 2);
  if (status < 0 || text.charCodeAt(requestEnd + 1) !== space) return 'no status of three digits';
  const bytesAt = requestEnd + 6;
  const bytesEnd = columnEnd(text, bytesAt);
  const bytes = bytesIn(text, bytesAt, bytesEnd);
  if (bytes === -1 || text.charCodeAt(bytesAt - 1) !== space) return 'no number of bytes';
  const line: AccessLine = {
    remote: text.slice(0, hostAt - 1),
    host: column(text, hostAt, userAt - 1),
    user: column(text, userAt, timeAt - 2),
    time: text.slice(timeAt, timeEnd),
    method: undefined,
    target: undefined,
    version: undefined,
    status,
    bytes,
    referrer: undefined,
    agent: undefined,
    forwardedFor: undefined,
  };
  readRequest(line, text, requestAt, requestEnd);
  readOptional(line, text, bytesEnd);
  return line;
}

/** Three digits, or -1. */
function statusAt(text: string, at: number): number {
  const a = text.charCodeAt(at) - 0x30;
  const b = text.charCodeAt(at + 1) - 0x30;
  const c = text.charCodeAt(at + 2) - 0x30;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : -1;
}

/** Undefined for "-", -1 for what is no number below 2^53. */
function bytesIn(text: string, start: number, end: number): number | undefined {
  if (end - start > 15 || end <= start) return -1;
  if (end - start === 1 && text.charCodeAt(start) === 0x2d) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function columnEnd(text: string, at: number): number {
  const end = text.indexOf(' ', at);
  return end < 0 ? text.length : end;
}

/** Text of a column; undefined when it is empty or "-". */
function column(text: string, start: number, end: number): string | undefined {
  if (end <= start || (end === start + 1 && text.charCodeAt(start) === 0x2d)) return undefined;
  return text.slice(start, end);
}

/** Position of the quote that ends the text at `from`; Apache writes quotes inside as \", nginx as \x22. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (escapes > from && text.charCodeAt(escapes - 1) === backslash) escapes--;
    if ((at - escapes) % 2 === 0) return at;
  }
  return -1;
}

function readRequest(line: AccessLine, text: string, start: number, end: number): void {
  const methodEnd = tokenEnd(text, start, end);
  if (methodEnd === start || methodEnd - start > 32 || text.charCodeAt(methodEnd) !== space) {
    line.target = column(text, start, end);
    return;
  }
  let targetAt = methodEnd;
  while (targetAt < end && text.charCodeAt(targetAt) === space) targetAt++;
  const versionAt = text.lastIndexOf(' HTTP/', end - 6);
  const versioned = versionAt >= targetAt && text.indexOf(' ', versionAt + 1) >= end;
  if (targetAt === end || (versioned && versionAt === targetAt)) {
    line.target = text.slice(start, end);
    return;
  }
  line.method = text.slice(start, methodEnd);
  line.target = text.slice(targetAt, versioned ? versionAt : end);
  if (versioned) line.version = text.slice(versionAt + 6, end);
}

/** End of the letters, digits, `-` and `_` at `start`. */
function tokenEnd(text: string, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const code = text.charCodeAt(at);
    const lower = code | 0x20;
    if (
      !((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f)
    )
      break;
    at++;
  }
  return at;
}

/** "referrer" "agent" and forwarded-for; whatever does not fit ends the reading. */
function readOptional(line: AccessLine, text: string, from: number): void {
  if (text.charCodeAt(from + 1) !== quote) return;
  const referrerEnd = closingQuote(text, from + 2);
  if (referrerEnd < 0) return;
  line.referrer = column(text, from + 2, referrerEnd);
  if (text.charCodeAt(referrerEnd + 1) !== space || text.charCodeAt(referrerEnd + 2) !== quote) return;
  const agentEnd = closingQuote(text, referrerEnd + 3);
  if (agentEnd < 0) return;
  line.agent = column(text, referrerEnd + 3, agentEnd);
  let at = agentEnd + 1;
  if (text.charCodeAt(at) !== space) return;
  while (text.charCodeAt(at) === space) at++;
  if (text.charCodeAt(at) === quote) {
    const end = closingQuote(text, at + 1);
    if (end > 0) line.forwardedFor = column(text, at + 1, end);
  } else {
    line.forwardedFor = column(text, at, columnEnd(text, at));
  }
}
