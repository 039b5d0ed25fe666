import { isMillraceError } from '@millrace/core/errors.ts';
import { parseSearch } from '@millrace/core/query/parser.ts';

/** An error of the query, where it stands, and what to do. */
export interface Mistake {
  message: string;
  hint: string | undefined;
  start: number;
  end: number;
}

/** The server's own parser, run while somebody types; undefined when the query can be understood. */
export function mistakeOf(text: string): Mistake | undefined {
  try {
    parseSearch(text);
    return undefined;
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { ...placed(error.message, text, error.at), hint: error.hint };
  }
}

/** Messages name the character, counted from 1. */
export function placed(
  message: string,
  text: string,
  at?: { start: number; end: number },
): Omit<Mistake, 'hint'> {
  const [, character, what] = /^query, character (\d+): (.*)$/s.exec(message) ?? [];
  const start = Math.min(at?.start ?? Number(character ?? 1) - 1, text.length);
  const wordEnd = text.slice(start).search(/(?<=\S)\s|$/);
  return { message: what ?? message, start, end: Math.max(at?.end ?? start + wordEnd, start + 1) };
}
