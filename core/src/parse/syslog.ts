import type { LeafParse } from '../rule/parse-schema.ts';
import { type Fields, type ParseFailure, type Parser, parseFailure, type RawParsed } from './parsed.ts';

type Syslog = Extract<LeafParse, { type: 'syslog' }>;

/** `log.level` of a priority, by its severity. */
export const severityLevels = [
  'emergency',
  'alert',
  'critical',
  'error',
  'warn',
  'notice',
  'info',
  'debug',
] as const;

const priorityMax = 191;

/**
 * A line of RFC 3164 as daemons write it (`Nov 22 19:16:48 host ident[pid]: message`; the time may be ISO 8601, the
 * host may be missing), or one of RFC 5424. A priority is read where it stands. Fields have fluentd's names: time,
 * host, ident, pid, msgid, extradata, message, pri; values that are `-` have none.
 */
export function compileSyslog({ format = 'auto', colonless, words }: Syslog): Parser {
  return (text) => {
    const line: Line = { text, at: 0, fields: {}, level: undefined };
    readPriority(line);
    const versioned = line.at > 0 && /^[1-9]\d{0,2} /.test(text.slice(line.at, line.at + 4));
    const modern = format === 'auto' ? versioned : format === 'rfc5424';
    return modern ? readModern(line, versioned) : readTraditional(line, words, colonless !== false);
  };
}

interface Line {
  text: string;
  at: number;
  fields: Fields;
  level: string | undefined;
}

/** `<0>` to `<191>`; anything else stays where it is. */
function readPriority(line: Line): void {
  const match = /^<(\d{1,3})>/.exec(line.text.slice(0, 5));
  const priority = Number(match?.[1] ?? Number.NaN);
  if (match === null || priority > priorityMax) return;
  line.at = match[0].length;
  line.fields.pri = priority;
  line.level = severityLevels[priority & 7];
}

/** Up to the next space; undefined when there is none. */
function word(line: Line): string | undefined {
  const end = line.text.indexOf(' ', line.at);
  if (end <= line.at) return undefined;
  const found = line.text.slice(line.at, end);
  line.at = end + 1;
  return found;
}

function skipSpaces(line: Line): void {
  while (line.text[line.at] === ' ') line.at++;
}

function done({ fields, level }: Line): RawParsed {
  return { fields, access: undefined, level };
}

function readModern(line: Line, versioned: boolean): RawParsed | ParseFailure {
  const { fields, text } = line;
  if (versioned) word(line);
  for (const name of ['time', 'host', 'ident', 'pid', 'msgid']) {
    const value = word(line);
    if (value === undefined) return parseFailure(`RFC 5424: no ${name}`);
    if (value !== '-') fields[name] = value;
  }
  const end = structuredEnd(text, line.at);
  if (end < 0) return parseFailure('RFC 5424: no structured data');
  if (end > line.at + 1) fields.extradata = text.slice(line.at, end);
  // The byte order mark says that the message is UTF-8.
  const message = text.slice(end + 1).replace(/^\ufeff/, '');
  fields.message = message;
  return done(line);
}

/** End of `-` or of `[id name="value" …]…`, which a space or the end of the text follows; else -1. */
function structuredEnd(text: string, from: number): number {
  let at = from;
  if (text[at] === '-') at++;
  else {
    while (text[at] === '[') {
      let quoted = false;
      for (at++; at < text.length && (quoted || text[at] !== ']'); at++) {
        if (text[at] === '\\' && quoted) at++;
        else if (text[at] === '"') quoted = !quoted;
      }
      if (at >= text.length) return -1;
      at++;
    }
    if (at === from) return -1;
  }
  return at === text.length || text[at] === ' ' ? at : -1;
}

function readTraditional(
  line: Line,
  words: number | undefined,
  colonless: boolean,
): RawParsed | ParseFailure {
  const time = timeWords(line, words);
  if (time === undefined) return parseFailure('RFC 3164: no time');
  line.fields.time = time;
  skipSpaces(line);
  // Without a host the program comes at once: `su[12]:`.
  const host = /^[^ :[\]]+(?: |$)|^[0-9a-fA-F.:]*[0-9a-fA-F](?: |$)/.exec(
    line.text.slice(line.at, line.at + 256),
  );
  if (host !== null) {
    line.fields.host = host[0].trimEnd();
    line.at += host[0].length;
  }
  readProgram(line, colonless);
  return done(line);
}

/** The time's words as they stand; without `words` one where it is ISO 8601, else three (`Nov  2 19:16:48`). */
function timeWords(line: Line, words: number | undefined): string | undefined {
  const { text } = line;
  const start = line.at;
  const digit = text.charCodeAt(start) - 0x30;
  let left = words ?? (digit >= 0 && digit <= 9 ? 1 : 3);
  // Some devices write the year: `Nov 22 2026 19:16:48`.
  if (words === undefined && left === 3 && /^\w{3} [ \d]\d \d{4} /.test(text.slice(start, start + 12)))
    left = 4;
  for (; left > 0; left--) {
    skipSpaces(line);
    if (word(line) === undefined) return undefined;
  }
  return text.slice(start, line.at - 1);
}

const identMax = 256;

/** `ident[pid]: ` or `ident: `, or an ident alone where that is allowed; the rest is the message. */
function readProgram(line: Line, colonless: boolean): void {
  const { text, fields } = line;
  const match = /^([^\s:[]+)(?:\[([^\]\s]*)\])?(:?)(?: +|$)/.exec(text.slice(line.at, line.at + identMax));
  const length = match?.[0].length ?? 0;
  const alone = colonless && length < text.length - line.at;
  if (match !== null && length < identMax && (match[3] === ':' || alone)) {
    fields.ident = match[1];
    if (match[2] !== undefined && match[2] !== '') fields.pid = match[2];
    line.at += length;
  }
  fields.message = text.slice(line.at);
}
