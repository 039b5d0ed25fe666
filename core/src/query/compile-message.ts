import type { Dsl } from '../store/port.ts';
import {
  type ExistsLeaf,
  type Leaf,
  type PatternLeaf,
  type PatternPart,
  queryError,
  type TermLeaf,
} from './ast.ts';
import { boundWildcards, patternQuery, regexQuery, regexSource } from './pattern.ts';
import { lowercase, separates, tokenize, tokenLengthMax } from './tokenize.ts';

const noTextHint = 'message is searched by words of letters, digits and _; other characters only part them';

/**
 * A leaf about the text of `message`. A word with separators in it, such as 10.0.0.1 or user-service, is a phrase.
 * @throws MillraceError QUERY_INVALID
 */
export function messageLeaf(leaf: Exclude<Leaf, ExistsLeaf>): Dsl {
  switch (leaf.type) {
    case 'term':
      return words(leaf);
    case 'pattern':
      return wildcards(leaf);
    case 'regex':
      return regexQuery('message', regexSource(leaf, true), leaf.at);
    case 'range':
      throw queryError(leaf.at, 'message has no order', 'name the field, as in size:[100 TO 200]');
  }
}

function words(leaf: TermLeaf): Dsl {
  const tokens = tokenize(leaf.text);
  const [first] = tokens;
  if (first === undefined) throw queryError(leaf.at, 'no text to search for', noTextHint);
  // Trimmed to its tokens: what the engine would drop anyway.
  const text = leaf.text.slice(first.start, tokens.at(-1)?.end);
  return tokens.length === 1
    ? { term: { message: { value: first.token } } }
    : { match_phrase: { message: text } };
}

/**
 * Wildcards stay within a word. Of user-serv* the phrase of the whole words and each word with wildcards must occur;
 * a bare `*` between separators says nothing. That the pieces are neighbours is not asked: the engines can do that
 * only up to a number of expansions, and would fail or miss lines beyond it.
 */
function wildcards(leaf: PatternLeaf): Dsl {
  boundWildcards(leaf.parts, leaf.at);
  const queries: Dsl[] = [];
  let phrase: string[] = [];
  const endPhrase = () => {
    if (phrase.length > 0) queries.push(words({ ...leaf, type: 'term', text: phrase.join(' ') }));
    phrase = [];
  };
  for (const piece of pieces(leaf.parts)) {
    const [first] = piece;
    if (piece.length === 1 && first !== undefined && 'literal' in first) {
      phrase.push(first.literal);
      continue;
    }
    endPhrase();
    if (piece.every((part) => 'wild' in part && part.wild === '*')) continue;
    if (piece.some((part) => 'literal' in part && part.literal.length > tokenLengthMax))
      throw queryError(
        leaf.at,
        `a word longer than ${tokenLengthMax} characters`,
        'shorten it, with * for the rest',
      );
    queries.push(patternQuery('message', piece.map(lowered), leaf.at));
  }
  endPhrase();
  const [only] = queries;
  if (only === undefined) throw queryError(leaf.at, 'no text to search for', noTextHint);
  return queries.length === 1 ? only : { bool: { filter: queries } };
}

/** A pattern cut where its literals hold separators. */
function pieces(parts: readonly PatternPart[]): PatternPart[][] {
  const result: PatternPart[][] = [[]];
  for (const part of parts) {
    if ('wild' in part) {
      result.at(-1)?.push(part);
      continue;
    }
    let start = 0;
    for (let at = 0; at <= part.literal.length; at++) {
      const ends = at === part.literal.length;
      if (!ends && !separates(part.literal.charCodeAt(at))) continue;
      if (at > start) result.at(-1)?.push({ literal: part.literal.slice(start, at) });
      if (!ends) result.push([]);
      start = at + 1;
    }
  }
  return result.filter((piece) => piece.length > 0);
}

function lowered(part: PatternPart): PatternPart {
  return 'wild' in part ? part : { literal: lowercase(part.literal) };
}
