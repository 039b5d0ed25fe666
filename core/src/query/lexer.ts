import { type Bound, type PatternPart, queryError } from './ast.ts';
import { escapedAt, Reader } from './reader.ts';

/** A lexical element; `start` and `end` are UTF-16 offsets in the query text, end exclusive. */
export type Lexeme = { start: number; end: number } & (
  | { kind: '(' | ')' | 'and' | 'or' | 'not' | 'plus' | 'end' }
  | { kind: 'field'; name: string }
  | { kind: 'word'; parts: PatternPart[] }
  | { kind: 'phrase'; text: string }
  | { kind: 'regex'; source: string }
  | { kind: 'range'; from: Bound | undefined; to: Bound | undefined }
);

const quoteHint =
  'put text that is to be found as it stands into double quotes, or write \\ before the character';

/**
 * Cuts a query into lexemes, ending with one of kind `end`: at the text's end, or where the first pipe begins.
 * @throws MillraceError QUERY_INVALID
 */
export function lex(text: string): Lexeme[] {
  const reader = new Reader(text);
  const lexemes: Lexeme[] = [];
  // Of each open parenthesis, whether what is in it are values of a field.
  const groups: boolean[] = [];
  for (;;) {
    reader.skipSpace();
    const afterField = lexemes.at(-1)?.kind === 'field';
    const lexeme = next(reader, afterField, groups.at(-1) === true);
    if (lexeme.kind === '(') groups.push(afterField || groups.at(-1) === true);
    else if (lexeme.kind === ')') groups.pop();
    skipBoost(reader, lexeme);
    lexemes.push(lexeme);
    if (lexeme.kind === 'end') return lexemes;
  }
}

function next(reader: Reader, afterField: boolean, inFieldGroup: boolean): Lexeme {
  const start = reader.at;
  const char = reader.peek();
  const simple = (kind: '(' | ')' | 'and' | 'or' | 'not' | 'plus' | 'end', length: number): Lexeme => {
    reader.at += length;
    return { kind, start, end: reader.at };
  };
  if (char === '' || reader.pipeAt(start)) return simple('end', 0);
  if (char === '(' || char === ')') return simple(char, 1);
  if (char === '"') return phrase(reader);
  if (char === '/') {
    const end = regexEnd(reader);
    if (end !== undefined) return regex(reader, end);
  }
  if (afterField || inFieldGroup) {
    if (char === '[' || char === '{') return range(reader);
    if (char === '<' || char === '>') return comparison(reader);
  }
  if (afterField) return word(reader, true);
  if ('[]{}'.includes(char)) throw strayBracket(start, char);
  if (reader.ahead('&&') && reader.boundaryAt(start + 2)) return simple('and', 2);
  if (reader.ahead('||') && reader.boundaryAt(start + 2)) return simple('or', 2);
  if (char === '+' || char === '-' || char === '!') {
    if (reader.boundaryAt(start + 1))
      throw queryError(
        reader.here(),
        `nothing follows "${char}"`,
        `write it next to what it is about, as in ${char}word; ${quoteHint}`,
      );
    return simple(char === '+' ? 'plus' : 'not', 1);
  }
  for (const [operator, kind] of [
    ['AND', 'and'],
    ['OR', 'or'],
    ['NOT', 'not'],
  ] as const)
    if (reader.ahead(operator) && reader.boundaryAt(start + operator.length))
      return simple(kind, operator.length);
  return word(reader, false);
}

/** A word, or the name of a field with its colon when `value` is false. */
function word(reader: Reader, value: boolean): Lexeme {
  const start = reader.at;
  const parts: PatternPart[] = [];
  // The first colon decides: in http://a:80, 2001:db8::1 and std::map all of them are text.
  let nameable = !value;
  while (!reader.done() && !reader.boundaryAt(reader.at) && !'("[]{}'.includes(reader.peek())) {
    const char = reader.peek();
    if (char === ':' && nameable) {
      const name = reader.ahead('://') || reader.ahead('::') ? undefined : fieldName(parts, start, reader.at);
      if (name !== undefined) {
        reader.at++;
        return { kind: 'field', name, start, end: reader.at };
      }
      nameable = false;
    }
    if (char === '^' && reader.boost() !== undefined) break;
    if (char === '~' && parts.length > 0) refuseFuzzy(reader);
    if (char === '*' || char === '?') {
      reader.at++;
      parts.push({ wild: char });
    } else {
      append(parts, char === '\\' ? escapedAt(reader) : reader.take());
    }
  }
  if (parts.length === 0) throw strayBracket(reader.at, reader.peek());
  return { kind: 'word', parts, start, end: reader.at };
}

function append(parts: PatternPart[], text: string): void {
  const last = parts.at(-1);
  if (last !== undefined && 'literal' in last) last.literal += text;
  else parts.push({ literal: text });
}

/** Undefined where the colon is text: after nothing, or within 10:32:15, 10.0.0.1:80 and 2026-11-22T10:32. */
function fieldName(parts: PatternPart[], start: number, end: number): string | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  if (parts.length > 1 || 'wild' in first) {
    // `*:*` is how Lucene spells "everything".
    if (parts.length === 1 && 'wild' in first && first.wild === '*') return '*';
    throw queryError(
      { start, end },
      'a field name cannot hold wildcards',
      `name one field, or join several with OR; ${quoteHint}`,
    );
  }
  return /^[\d:][\d.:T-]*$/.test(first.literal) ? undefined : first.literal;
}

function phrase(reader: Reader): Lexeme {
  const start = reader.at;
  const text = quoted(reader);
  if (reader.peek() === '~') refuseFuzzy(reader);
  return { kind: 'phrase', text, start, end: reader.at };
}

function quoted(reader: Reader): string {
  const start = reader.at;
  reader.at++;
  let text = '';
  while (!reader.done()) {
    const char = reader.peek();
    if (char === '"') {
      reader.at++;
      return text;
    }
    text += char === '\\' ? escapedAt(reader) : reader.take();
  }
  throw queryError(
    { start, end: reader.text.length },
    'the quotation mark is not closed',
    'close it with ", or write \\" to search for one',
  );
}

/**
 * Where a regex's closing slash stands: at the end of a word, with no other slash before it. So `/var/log/app` is
 * a word, as people type paths, and every regex that Lucene takes is still one.
 */
function regexEnd(reader: Reader): number | undefined {
  for (let at = reader.at + 1; at < reader.text.length; at++) {
    if (reader.text[at] === '\\') at++;
    else if (reader.text[at] === '/') return at > reader.at + 1 && reader.boundaryAt(at + 1) ? at : undefined;
  }
  return undefined;
}

function regex(reader: Reader, end: number): Lexeme {
  const start = reader.at;
  const source = reader.text.slice(start + 1, end).replaceAll('\\/', '/');
  reader.at = end + 1;
  return { kind: 'regex', source, start, end: reader.at };
}

function range(reader: Reader): Lexeme {
  const start = reader.at;
  const includeFrom = reader.take() === '[';
  const from = bound(reader, start);
  reader.skipSpace();
  if (!(reader.ahead('TO') && reader.spaceAt(reader.at + 2)))
    throw queryError(
      reader.here(),
      'a range needs TO between its bounds',
      'write [low TO high], with * for an open end',
    );
  reader.at += 2;
  const to = bound(reader, start);
  reader.skipSpace();
  const close = reader.take();
  if (close !== ']' && close !== '}')
    throw queryError(
      { start, end: Math.min(reader.at, reader.text.length) },
      'the range is not closed',
      'end it with ] (bound included) or } (bound excluded)',
    );
  return {
    kind: 'range',
    from: from === undefined ? undefined : { value: from, inclusive: includeFrom },
    to: to === undefined ? undefined : { value: to, inclusive: close === ']' },
    start,
    end: reader.at,
  };
}

/** A bound of a range; undefined for an unquoted `*`. */
function bound(reader: Reader, start: number): string | undefined {
  reader.skipSpace();
  if (reader.peek() === '"') return quoted(reader);
  const from = reader.at;
  let text = '';
  while (!reader.done() && !reader.spaceAt(reader.at) && !']}'.includes(reader.peek()))
    text += reader.peek() === '\\' ? escapedAt(reader) : reader.take();
  if (reader.at === from)
    throw queryError(start, 'a range needs two bounds', 'write [low TO high], with * for an open end');
  return reader.text.slice(from, reader.at) === '*' ? undefined : text;
}

/** `field:>=5` and its kin, as a range. */
function comparison(reader: Reader): Lexeme {
  const start = reader.at;
  const sign = reader.take();
  const inclusive = reader.peek() === '=';
  if (inclusive) reader.at++;
  reader.skipSpace();
  if (reader.boundaryAt(reader.at))
    throw queryError(start, 'nothing to compare with', `write a value after ${sign}${inclusive ? '=' : ''}`);
  const value = reader.peek() === '"' ? quoted(reader) : plainWord(reader, start);
  const edge = { value, inclusive };
  return {
    kind: 'range',
    from: sign === '>' ? edge : undefined,
    to: sign === '<' ? edge : undefined,
    start,
    end: reader.at,
  };
}

function plainWord(reader: Reader, start: number): string {
  const lexeme = word(reader, true);
  const [part, more] = lexeme.kind === 'word' ? lexeme.parts : [];
  if (part === undefined || more !== undefined || 'wild' in part)
    throw queryError(
      { start, end: lexeme.end },
      'a comparison needs a plain value',
      'wildcards cannot be compared with; write a number, a time or a text',
    );
  return part.literal;
}

/** `^2` says how much a match counts for the score; results are in order of time, so it says nothing here. */
function skipBoost(reader: Reader, lexeme: Lexeme): void {
  if (!['word', 'phrase', 'regex', 'range', ')'].includes(lexeme.kind)) return;
  const end = reader.boost();
  if (end !== undefined) reader.at = end;
}

function refuseFuzzy(reader: Reader): void {
  const match = /^~\d*(?:\.\d+)?/.exec(reader.text.slice(reader.at, reader.at + 32));
  if (match !== null && reader.boundaryAt(reader.at + match[0].length))
    throw queryError(
      { start: reader.at, end: reader.at + match[0].length },
      'fuzzy and proximity search (~) are not supported',
      'use wildcards, as in time*out, or join words with AND',
    );
}

function strayBracket(at: number, char: string): Error {
  return queryError(
    at,
    `"${char}" does not belong here`,
    `ranges follow a field, as in size:[1 TO 9]; ${quoteHint}`,
  );
}
