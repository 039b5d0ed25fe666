import { MillraceError } from '../errors.ts';

/** A query, as parsed. Leaves without a field are about `message`. Compiled to the engine's DSL and to matchers. */
export type Query =
  | { type: 'all' }
  | { type: 'and'; clauses: Query[] }
  | { type: 'or'; clauses: Query[] }
  | { type: 'not'; clause: Query }
  | Leaf;

export type Leaf = ExistsLeaf | TermLeaf | PatternLeaf | RangeLeaf | RegexLeaf;

/** Where a leaf stands in the query text: UTF-16 offsets, end exclusive. */
export interface Span {
  start: number;
  end: number;
}

export interface ExistsLeaf {
  type: 'exists';
  field: string;
  at: Span;
}

/** A word or a quoted phrase, escapes resolved. */
export interface TermLeaf {
  type: 'term';
  field: string | undefined;
  text: string;
  at: Span;
}

/** A word with wildcards. */
export interface PatternLeaf {
  type: 'pattern';
  field: string | undefined;
  parts: PatternPart[];
  at: Span;
}

/** `*` is any text, also none; `?` is one character. Literals have their escapes resolved. */
export type PatternPart = { literal: string } | { wild: '*' | '?' };

/** At least one of the bounds is there. */
export interface RangeLeaf {
  type: 'range';
  field: string | undefined;
  from: Bound | undefined;
  to: Bound | undefined;
  at: Span;
}

export interface Bound {
  value: string;
  inclusive: boolean;
}

/** What stood between the slashes, `\/` resolved. */
export interface RegexLeaf {
  type: 'regex';
  field: string | undefined;
  source: string;
  at: Span;
}

/** An error of the query text; a number is the offset of one character. People are told characters counted from 1. */
export function queryError(where: number | Span, what: string, hint: string): MillraceError {
  const at =
    typeof where === 'number' ? { start: where, end: where + 1 } : { start: where.start, end: where.end };
  return new MillraceError('QUERY_INVALID', `query, character ${at.start + 1}: ${what}`, { hint, at });
}
