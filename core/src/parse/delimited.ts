import { MillraceError } from '../errors.ts';
import type { LeafParse } from '../rule/parse-schema.ts';
import { setField } from './fields.ts';
import { linearExpression } from './linear-regexp.ts';
import { type Fields, type Parser, parseFailure } from './parsed.ts';

type Csv = Extract<LeafParse, { type: 'csv' }>;
type Ltsv = Extract<LeafParse, { type: 'ltsv' }>;

/** Names longer than this are no names but text that happens to hold a delimiter. */
const nameUnitsMax = 256;
/** Longest record that an expression is run on, as for the regexp parser. */
const patternTextMax = 65_536;

/**
 * One record of RFC 4180, by default: quoted values may hold delimiters, and quotes written twice. Empty unquoted
 * values and columns that are missing have no field; columns beyond the keys are left to the record's text.
 */
export function compileCsv({ keys, delimiter = ',', quote }: Csv): Parser {
  assertWellFormed(delimiter);
  const reader = quote === false ? plainColumn : quotedColumn;
  return (text) => {
    const fields: Fields = {};
    const column: Column = { value: undefined, end: -1 };
    let at = 0;
    for (const key of keys) {
      if (!reader(text, at, delimiter, column)) return parseFailure('a quoted value does not end');
      if (column.value !== undefined) setField(fields, key, column.value);
      if (column.end >= text.length) break;
      at = column.end + delimiter.length;
    }
    return text === '' ? parseFailure('an empty record') : { fields, access: undefined };
  };
}

interface Column {
  value: string | undefined;
  /** Where the delimiter stands, or the end of the text. */
  end: number;
}

function plainColumn(text: string, at: number, delimiter: string, column: Column): boolean {
  const found = text.indexOf(delimiter, at);
  column.end = found < 0 ? text.length : found;
  column.value = column.end > at ? text.slice(at, column.end) : undefined;
  return true;
}

/** False when the closing quote, or the delimiter behind it, is missing. */
function quotedColumn(text: string, at: number, delimiter: string, column: Column): boolean {
  if (text[at] !== '"') return plainColumn(text, at, delimiter, column);
  let value = '';
  for (let from = at + 1; ; ) {
    const end = text.indexOf('"', from);
    if (end < 0) return false;
    value += text.slice(from, end);
    if (text[end + 1] !== '"') {
      column.value = value;
      column.end = end + 1;
      return end + 1 === text.length || text.startsWith(delimiter, end + 1);
    }
    value += '"';
    from = end + 2;
  }
}

/**
 * `label:value` pairs with tabs between them, by default; what has no label is left out.
 * @throws MillraceError RULE_INVALID for a pattern that could run for ever
 */
export function compileLtsv({
  delimiter = '\t',
  pattern,
  flags,
  label_delimiter: label = ':',
}: Ltsv): Parser {
  assertWellFormed(delimiter);
  assertWellFormed(label);
  const separator = pattern === undefined ? delimiter : linearExpression(pattern, flags ?? '');
  return (text) => {
    if (typeof separator !== 'string' && text.length > patternTextMax)
      return parseFailure(`longer than ${patternTextMax} characters`);
    const fields: Fields = {};
    let found = false;
    for (const pair of text.split(separator)) {
      const at = pair?.indexOf(label) ?? -1;
      if (at <= 0 || at > nameUnitsMax) continue;
      setField(fields, pair.slice(0, at), pair.slice(at + label.length));
      found = true;
    }
    return found ? { fields, access: undefined } : parseFailure(`no pair of label${label}value`);
  };
}

/** `key=value key="a \"quoted\" value" flag`; a key alone is true. A record without any `=` is none. */
export const parseLogfmt: Parser = (text) => {
  const fields: Fields = {};
  let pairs = 0;
  let at = 0;
  while (at < text.length) {
    if (text.charCodeAt(at) <= space) {
      at++;
      continue;
    }
    const nameEnd = tokenEnd(text, at, true);
    const name = text.slice(at, nameEnd);
    const named = nameEnd > at && name.length <= nameUnitsMax;
    at = nameEnd;
    if (text[at] !== '=') {
      if (named) setField(fields, name, true);
      // What is neither name nor value, a quote for example, is passed over.
      if (nameEnd === at && !named) at++;
      continue;
    }
    at++;
    const end = text[at] === '"' ? quoteEnd(text, at + 1) : tokenEnd(text, at, false);
    if (end < 0) return parseFailure('a quoted value does not end');
    const quoted = text[at] === '"';
    const value = quoted ? unescaped(text.slice(at + 1, end)) : text.slice(at, end);
    at = quoted ? end + 1 : end;
    if (!named) continue;
    setField(fields, name, value);
    pairs++;
  }
  return pairs > 0 ? { fields, access: undefined } : parseFailure('no pair of key=value');
};

const space = 0x20;
const quoteCode = 0x22;
const equals = 0x3d;

/** End of a name (which ends at "=" and quotes too) or of an unquoted value. */
function tokenEnd(text: string, from: number, name: boolean): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code <= space || (name && (code === equals || code === quoteCode))) break;
    at++;
  }
  return at;
}

/** Position of the closing quote, -1 without one. */
function quoteEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === quoteCode) return at;
  }
  return -1;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([\s\S])/g, (_, char: string) => escapes[char] ?? char);
}

function assertWellFormed(delimiter: string): void {
  // Names and values on either side of half a character would hold the other half.
  if (!delimiter.isWellFormed()) throw new MillraceError('RULE_INVALID', 'a delimiter with half a character');
}
