import type { Dsl as EngineDsl } from '../store/port.ts';
import { type PatternPart, queryError, type RegexLeaf, type Span } from './ast.ts';
import { luceneRegex, RegexRefusal } from './regex.ts';

/** Most wildcards in one word. */
const wildcardsMax = 16;
/** Longest regex that the engines take (`index.max_regex_length`), UTF-16 units as it is sent to them. */
const sentRegexMax = 1000;

/** A `prefix` query where one `*` at the end is all there is, else a `wildcard` query; `prefix` goes before. */
export function patternQuery(field: string, parts: readonly PatternPart[], at: Span, prefix = ''): EngineDsl {
  boundWildcards(parts, at);
  const [first, second] = parts;
  if (
    parts.length === 2 &&
    first !== undefined &&
    'literal' in first &&
    second !== undefined &&
    isStar(second)
  )
    return { prefix: { [field]: { value: prefix + first.literal } } };
  const value = parts.map((part) => ('wild' in part ? part.wild : escapeWildcards(part.literal))).join('');
  return { wildcard: { [field]: { value: escapeWildcards(prefix) + value } } };
}

/** @throws MillraceError QUERY_INVALID */
export function boundWildcards(parts: readonly PatternPart[], at: Span): void {
  if (parts.filter((part) => 'wild' in part).length > wildcardsMax)
    throw queryError(at, `more than ${wildcardsMax} wildcards in one word`, 'leave some of them away');
}

/** @throws MillraceError QUERY_INVALID */
export function regexSource(leaf: RegexLeaf, lower: boolean): string {
  try {
    return luceneRegex(leaf.source, lower);
  } catch (error) {
    if (!(error instanceof RegexRefusal)) throw error;
    // The closing slash is the leaf's last character.
    const start = leaf.at.end - 1 - leaf.source.length;
    const at = Math.min(Math.max(leaf.at.start, start + error.at), leaf.at.end - 1);
    throw queryError(at, `in the regex, ${error.what}`, error.hint);
  }
}

/** @throws MillraceError QUERY_INVALID */
export function regexQuery(field: string, source: string, at: Span): EngineDsl {
  if (source.length > sentRegexMax)
    throw queryError(
      at,
      `a regex that is longer than ${sentRegexMax} characters when its classes are written out`,
      'shorten it; \\d{9} is shorter than nine \\d',
    );
  return { regexp: { [field]: { value: source, flags: 'NONE' } } };
}

function escapeWildcards(text: string): string {
  return text.replaceAll(/[*?\\]/g, '\\$&');
}

function isStar(part: PatternPart): boolean {
  return 'wild' in part && part.wild === '*';
}
