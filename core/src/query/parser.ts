import { type Leaf, type Query, queryError, type Span } from './ast.ts';
import { type Lexeme, lex } from './lexer.ts';
import { parsePipes } from './pipes/parse.ts';
import type { Pipe } from './pipes/pipe.ts';

/** Longest query text, UTF-16 units. */
export const queryLengthMax = 8192;
/** Most words, phrases, ranges and the like in one query. */
export const clausesMax = 256;
/** Deepest nesting of parentheses and NOT. */
export const depthMax = 32;

/** A condition, and what is done with the events that meet it. */
export interface Search {
  query: Query;
  /** The text of the condition alone. */
  condition: string;
  pipes: Pipe[];
}

/**
 * Parses Lucene query syntax, and the pipes after it. Binding, from tight to loose: NOT - ! +, then AND && and
 * standing side by side, then OR ||. An empty condition is everything.
 * @throws MillraceError QUERY_INVALID, naming the character
 */
export function parseSearch(text: string): Search {
  if (text.length > queryLengthMax)
    throw queryError(
      { start: queryLengthMax, end: text.length },
      `longer than ${queryLengthMax} characters`,
      'ask for less at once',
    );
  const wellFormed = text.toWellFormed();
  const lexemes = lex(wellFormed);
  const end = lexemes.at(-1)?.start ?? 0;
  const query = new Parser(lexemes).whole();
  return { query, condition: wellFormed.slice(0, end), pipes: parsePipes(wellFormed, end) };
}

/**
 * A condition without pipes.
 * @throws MillraceError QUERY_INVALID, naming the character
 */
export function parseQuery(text: string): Query {
  const { query, condition, pipes } = parseSearch(text);
  if (pipes.length > 0)
    throw queryError(
      { start: condition.length, end: text.length },
      'only conditions are taken here, no pipes',
      'remove what begins with |, or put quotes around text with a | in it',
    );
  return query;
}

class Parser {
  readonly lexemes: readonly Lexeme[];
  index = 0;
  clauses = 0;
  depth = 0;

  constructor(lexemes: readonly Lexeme[]) {
    this.lexemes = lexemes;
  }

  whole(): Query {
    if (this.peek().kind === 'end') return { type: 'all' };
    const query = this.alternatives(undefined);
    const rest = this.peek();
    if (rest.kind === ')')
      throw queryError(
        rest,
        'nothing is open that ")" could close',
        'remove it, or write \\) to search for one',
      );
    return query;
  }

  private alternatives(field: string | undefined): Query {
    const clauses = [this.conjunction(field)];
    while (this.peek().kind === 'or') {
      this.index++;
      clauses.push(this.conjunction(field));
    }
    return clauses.length === 1 && clauses[0] !== undefined ? clauses[0] : { type: 'or', clauses };
  }

  private conjunction(field: string | undefined): Query {
    const clauses = [this.clause(field)];
    for (;;) {
      const { kind } = this.peek();
      if (kind === 'or' || kind === ')' || kind === 'end') break;
      if (kind === 'and') this.index++;
      clauses.push(this.clause(field));
    }
    return clauses.length === 1 && clauses[0] !== undefined ? clauses[0] : { type: 'and', clauses };
  }

  private clause(field: string | undefined): Query {
    const lexeme = this.take();
    switch (lexeme.kind) {
      case 'not':
        return this.nested(lexeme, () => ({ type: 'not', clause: this.clause(field) }));
      case 'plus': // AND is the default: nothing to add
        return this.nested(lexeme, () => this.clause(field));
      case '(':
        return this.nested(lexeme, () => this.group(lexeme, field));
      case 'field':
        return this.value(lexeme, lexeme.name);
      case 'and':
      case 'or':
        throw queryError(
          lexeme,
          `${spelled(lexeme)} has nothing on its left`,
          'write it between two conditions; to search for the word, put it into quotes',
        );
      case 'end':
        throw queryError(
          lexeme,
          'the query ends where a condition should follow',
          'complete it, or remove the operator at its end',
        );
      case ')':
        throw queryError(
          lexeme,
          'a condition is missing before ")"',
          'complete it, or write \\) to search for one',
        );
      default:
        return this.leaf(lexeme, field);
    }
  }

  private group(open: Lexeme, field: string | undefined): Query {
    const query = this.alternatives(field);
    if (this.take().kind !== ')')
      throw queryError(
        open,
        'the parenthesis is not closed',
        'close it with ), or write \\( to search for one',
      );
    return query;
  }

  private value(field: Lexeme, name: string): Query {
    const lexeme = this.take();
    if (lexeme.kind === '(') return this.nested(lexeme, () => this.group(lexeme, name));
    if (lexeme.kind === 'end' || lexeme.kind === ')')
      throw queryError(
        field,
        `"${name}:" has no value`,
        `write ${name}:value, or quotes around text with a colon`,
      );
    return this.leaf({ ...lexeme, start: field.start }, name);
  }

  private leaf(lexeme: Lexeme, field: string | undefined): Query {
    if (++this.clauses > clausesMax)
      throw queryError(lexeme, `more than ${clausesMax} conditions`, 'ask for less at once');
    const leaf = leafOf(lexeme, field);
    return leaf ?? { type: 'all' };
  }

  private nested<T>(lexeme: Lexeme, parse: () => T): T {
    if (++this.depth > depthMax)
      throw queryError(lexeme, `nested deeper than ${depthMax}`, 'remove parentheses that are not needed');
    const result = parse();
    this.depth--;
    return result;
  }

  private peek(): Lexeme {
    return this.lexemes[this.index] ?? { kind: 'end', start: 0, end: 0 };
  }

  private take(): Lexeme {
    const lexeme = this.peek();
    this.index++;
    return lexeme;
  }
}

/** Undefined for `*` and `*:*`, which match everything. */
function leafOf(lexeme: Lexeme, field: string | undefined): Leaf | undefined {
  const at = { start: lexeme.start, end: lexeme.end };
  if (field === '_exists_') return { type: 'exists', field: existsName(lexeme), at };
  if (field === '*') return wildOnly(lexeme) ? undefined : refuseAnyField(at);
  switch (lexeme.kind) {
    case 'phrase':
      return { type: 'term', field, text: lexeme.text, at };
    case 'regex':
      return { type: 'regex', field, source: lexeme.source, at };
    case 'range':
      if (lexeme.from === undefined && lexeme.to === undefined)
        return field === undefined ? undefined : { type: 'exists', field, at };
      return { type: 'range', field, from: lexeme.from, to: lexeme.to, at };
    case 'word': {
      if (wildOnly(lexeme)) return field === undefined ? undefined : { type: 'exists', field, at };
      const [first] = lexeme.parts;
      if (lexeme.parts.length === 1 && first !== undefined && 'literal' in first)
        return { type: 'term', field, text: first.literal, at };
      return { type: 'pattern', field, parts: lexeme.parts, at };
    }
    default:
      throw queryError(lexeme, `${spelled(lexeme)} where a value should be`, 'put the value into quotes');
  }
}

function wildOnly(lexeme: Lexeme): boolean {
  return lexeme.kind === 'word' && lexeme.parts.every((part) => 'wild' in part && part.wild === '*');
}

function existsName(lexeme: Lexeme): string {
  if (lexeme.kind === 'phrase' && lexeme.text !== '') return lexeme.text;
  const [part, more] = lexeme.kind === 'word' ? lexeme.parts : [];
  if (part !== undefined && more === undefined && 'literal' in part) return part.literal;
  throw queryError(lexeme, '_exists_ takes the name of one field', 'write _exists_:name');
}

function refuseAnyField(at: Span): never {
  throw queryError(
    at,
    '"*:" does not name a field',
    'leave "*:" away to search in message, or name the field',
  );
}

function spelled(lexeme: Lexeme): string {
  return lexeme.kind === 'end' ? 'the end' : `"${lexeme.kind.toUpperCase()}"`;
}
