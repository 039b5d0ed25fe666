import type { Dsl } from '../store/port.ts';
import { lucenePattern, wildcardMatches } from './match-values.ts';
import { type Token, tokenize } from './tokenize.ts';

/** The text with what a query finds in it between \u0001 and \u0002, as engines highlight it; undefined: nothing. */
export type Highlighter = (message: string) => string | undefined;

/** What tokens of a message a condition names: their numbers, in rising order. */
type Marks = (tokens: readonly Token[]) => number[];

/** Marks what the conditions on `message` find that are not negated. */
export function compileHighlighter(dsl: Dsl): Highlighter {
  const marks = marksOf(dsl);
  return (message) => {
    if (marks.length === 0) return undefined;
    const tokens = tokenize(message);
    const marked = [...new Set(marks.flatMap((mark) => mark(tokens)))].sort((a, b) => a - b);
    if (marked.length === 0) return undefined;
    let text = '';
    let at = 0;
    for (const number of marked) {
      const { start, end } = tokens[number] as Token;
      text += `${message.slice(at, start)}\u0001${message.slice(start, end)}\u0002`;
      at = end;
    }
    return text + message.slice(at);
  };
}

function marksOf(dsl: Dsl): Marks[] {
  const [kind = '', body] = Object.entries(dsl)[0] ?? [];
  if (kind === 'bool') {
    const { filter = [], should = [] } = body as { filter?: Dsl[]; should?: Dsl[] };
    return [...filter, ...should].flatMap(marksOf);
  }
  const what = (body as { message?: unknown }).message;
  if (what === undefined) return [];
  if (kind === 'match_phrase') return [phrase(tokenize(String(what)).map(({ token }) => token))];
  const value = String((what as { value?: unknown }).value);
  if (kind === 'term') return [each((token) => token === value)];
  if (kind === 'prefix') return [each((token) => token.startsWith(value))];
  if (kind === 'wildcard') return [each(wildcardMatches(value))];
  if (kind !== 'regexp') return [];
  const pattern = lucenePattern(value);
  return [each((token) => pattern.test(token))];
}

function each(matches: (token: string) => boolean): Marks {
  return (tokens) => tokens.flatMap(({ token }, i) => (matches(token) ? [i] : []));
}

function phrase(words: readonly string[]): Marks {
  return (tokens) =>
    tokens.flatMap((_, i) =>
      words.every((word, k) => tokens[i + k]?.token === word) ? words.map((__, k) => i + k) : [],
    );
}
