import { separates } from '../query/tokenize.ts';

/** Stands in a message for what its reader may not know: a mask, for the line itself has something else there. */
export const hiddenMark = '\ufdd2';

/** What a character may be in a line that is cut into words. */
export const space = 1;
/** Stands between words and is kept: brackets, quotes, commas, `=`, and the punctuation of other scripts. */
export const mark = 2;

/** What a word is made of, as bits: or'ed together they tell numbers and addresses from text at once. */
export const digit = 1;
export const hexLetter = 2;
export const letter = 4;
export const dot = 8;
export const colon = 16;
export const dash = 32;
export const slash = 64;
export const otherInWord = 128;

/** By UTF-16 unit: `space`, `mark`, or 0 within words. */
export const between = new Uint8Array(0x10000);
/** By UTF-16 unit: one of the bits above; 0 for what stands between words. */
export const bits = new Uint8Array(0x10000);

for (let unit = 0; unit < 0x10000; unit++) {
  const char = String.fromCharCode(unit);
  if (unit <= 0x20 || unit === 0x7f || /\s/.test(char)) between[unit] = space;
  else if (unit > 0x7f && separates(unit)) between[unit] = mark;
  else if ('=,;()[]{}<>|"`'.includes(char)) between[unit] = mark;
  else bits[unit] = bitOf(char);
}

/** `can't` is one word: an apostrophe opens a quotation only where a word would begin. */
function bitOf(char: string): number {
  if (/[0-9]/.test(char)) return digit;
  if (/[a-fA-F]/.test(char)) return hexLetter;
  if (char === '.') return dot;
  if (char === ':') return colon;
  if (char === '-') return dash;
  if (char === '/' || char === '\\') return slash;
  if (char === hiddenMark) return otherInWord;
  return /[A-Za-z_]/.test(char) || char > '\u007f' ? letter : otherInWord;
}
