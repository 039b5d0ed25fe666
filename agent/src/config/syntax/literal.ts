import { messageOf } from '@millrace/core/errors.ts';
import { scanRuby } from './ruby.ts';
import type { Scanner } from './scanner.ts';
import { configError, type RubyEnvironment } from './tree.ts';

export interface Literal {
  value: string;
  quoted: boolean;
  /** Why the value is nil. */
  nil?: string;
  /** `use_default`: the parameter counts as not given. */
  useDefault?: true;
}

const jsonDepthMax = 32;
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  f: '\f',
  b: '\b',
  '0': '\0',
};

/** A value up to the end of its line (quoted and JSON values may span several); the scanner stands on it. */
export function scanValue(scanner: Scanner, ruby: RubyEnvironment): Literal {
  const first = scanner.peek();
  if (first === '[' || first === '{') return scanJson(scanner, ruby);
  return scanQuoted(scanner, ruby) ?? { value: scanBareValue(scanner), quoted: false };
}

/** A string in quotes; undefined when the scanner stands on anything else. */
export function scanQuoted(scanner: Scanner, ruby: RubyEnvironment): Literal | undefined {
  if (scanner.skip('"')) return scanDoubleQuoted(scanner, ruby);
  if (scanner.skip("'")) return scanSingleQuoted(scanner);
  return undefined;
}

/** To the end of the line or to a `#` behind a space; no escapes. */
function scanBareValue(scanner: Scanner): string {
  const start = scanner.pos;
  const line = scanner.scan(/[^\r\n]*/y)?.[0] ?? '';
  const comment = line.search(/[ \t]#/);
  let end = comment === -1 ? line.length : comment;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  scanner.pos = start + end;
  return line.slice(0, end);
}

/** Only `\'` and `\\` are escapes. May span lines. */
function scanSingleQuoted(scanner: Scanner): Literal {
  const start = scanner.place;
  const parts: string[] = [];
  while (!scanner.skip("'")) {
    const part = scanner.scan(/[^'\\]+/y)?.[0] ?? scanner.scan(/\\(?:['\\]|(?=[\s\S]))/y)?.[0];
    if (part === undefined) throw configError(start, "a value that begins with ' has no closing '");
    parts.push(part.length === 2 && part[0] === '\\' ? part.slice(1) : part);
  }
  return { value: parts.join(''), quoted: true };
}

function scanDoubleQuoted(scanner: Scanner, ruby: RubyEnvironment): Literal {
  const start = scanner.place;
  const parts: string[] = [];
  const literal: Literal = { value: '', quoted: true };
  while (!scanner.skip('"')) {
    const plain = scanner.scan(/[^"\\#]+/y);
    if (plain) {
      parts.push(plain[0]);
    } else if (scanner.skip('#{')) {
      const value = scanRuby(scanner, ruby);
      if (value.type === 'text') parts.push(value.text);
      else if (value.type === 'nil') literal.nil ??= value.why;
      else literal.useDefault = true;
    } else if (scanner.skip('#')) {
      parts.push('#');
    } else if (scanner.skip('\\')) {
      parts.push(scanEscape(scanner));
    } else {
      throw configError(start, 'a value that begins with " has no closing "');
    }
  }
  literal.value = parts.join('');
  return literal;
}

function scanEscape(scanner: Scanner): string {
  // A backslash before a line break continues the value on the next line.
  if (scanner.scan(/\r?\n|\r/y)) return '';
  const place = scanner.place;
  const name = scanner.scan(/./suy)?.[0] ?? '';
  const known = Object.hasOwn(escapes, name) ? escapes[name] : undefined;
  if (known !== undefined) return known;
  if (/[a-zA-Z0-9]/.test(name))
    throw configError(
      place,
      `"\\${name}" is no escape of a value in double quotes`,
      'write two backslashes, or put the value into single quotes (known: \\n \\t \\r \\f \\b \\0 \\" \\\\)',
    );
  return name;
}

/** JSON over several lines; `#` outside of its strings begins a comment, `#{…}` inside of them is Ruby. */
function scanJson(scanner: Scanner, ruby: RubyEnvironment): Literal {
  const start = scanner.place;
  const hint = 'a value that begins with [ or { is JSON; put it into quotes when it is meant as text';
  const parts: string[] = [];
  let depth = 0;
  do {
    const plain = scanner.scan(/[^[\]{}"#]+/y)?.[0];
    if (plain !== undefined) {
      parts.push(plain);
      continue;
    }
    const char = scanner.peek();
    if (char === '"') {
      parts.push(scanJsonString(scanner, ruby, hint));
      continue;
    }
    if (char === '') throw configError(start, 'a JSON value has no end', hint);
    scanner.pos++;
    if (char === '#') {
      scanner.scan(/[^\r\n]*/y);
      continue;
    }
    depth += char === '[' || char === '{' ? 1 : -1;
    if (depth > jsonDepthMax)
      throw configError(start, `a JSON value is nested more than ${jsonDepthMax} deep`);
    parts.push(char);
  } while (depth > 0);
  try {
    return { value: JSON.stringify(JSON.parse(parts.join(''))), quoted: false };
  } catch (cause) {
    // V8 quotes the text, which may be a secret.
    throw configError(
      start,
      `a value is not valid JSON: ${messageOf(cause).replace(/, (?:\.\.\.)?".*$/s, '')}`,
      hint,
    );
  }
}

function scanJsonString(scanner: Scanner, ruby: RubyEnvironment, hint: string): string {
  const start = scanner.place;
  const parts = ['"'];
  scanner.pos++;
  while (!scanner.skip('"')) {
    const plain = scanner.scan(/[^"\\#\r\n]+|\\[^\r\n]/y);
    if (plain) {
      parts.push(plain[0]);
    } else if (scanner.skip('#{')) {
      const value = scanRuby(scanner, ruby);
      parts.push(value.type === 'text' ? JSON.stringify(value.text).slice(1, -1) : '');
    } else if (scanner.skip('#')) {
      parts.push('#');
    } else {
      throw configError(start, 'a string in a JSON value has no closing "', hint);
    }
  }
  return `${parts.join('')}"`;
}
