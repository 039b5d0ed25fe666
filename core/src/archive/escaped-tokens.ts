import { separates, tokenize } from '../query/tokenize.ts';

/** What a reader of JSON makes of escapes, also where several readers did one after another: any count of backslashes. */
const escapes = /\\+(?:u([0-9a-fA-F]{4})|[ntrbf])/g;

/** The tokens of a text with its escapes read. `deep`: a reader that reads fewer levels may find others. */
export function escapedTokens(text: string): { tokens: string[]; deep: boolean } {
  let letters = false;
  const read = text.replaceAll(escapes, (_, hex: string | undefined) => {
    if (hex === undefined) return ' ';
    const unit = Number.parseInt(hex, 16);
    letters ||= !separates(unit);
    return String.fromCharCode(unit);
  });
  const tokens = tokenize(read.toWellFormed()).map(({ token }) => token);
  return { tokens, deep: letters && text.includes('\\\\') };
}
