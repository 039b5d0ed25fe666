/**
 * The analyzer of `message`. The index mapping is generated from the same list (a `char_group` tokenizer and the
 * `lowercase` filter), so what the engine finds and what a matcher finds by these functions is the same.
 *
 * A token is a longest run of code points that are not separators, cut after `tokenLengthMax` UTF-16 units.
 * ASCII: letters, digits and `_` are token characters, everything else separates. Beyond ASCII only control
 * characters, spaces and the punctuation listed below separate; all letters, ideographs and emoji are kept.
 * An index remembers its analyzer for life: a change to this list needs new indices.
 */
export interface Token {
  /** Lowercase. */
  token: string;
  /** UTF-16 offsets in the text, end exclusive. */
  start: number;
  end: number;
}

/** Longest token, in UTF-16 units; one more when a surrogate pair stands across the limit (Lucene's rule). */
export const tokenLengthMax = 255;

/** Inclusive ranges of code points, all in the basic plane. */
const separatorRanges: readonly (readonly [number, number])[] = [
  [0x0000, 0x002f], // C0 controls, space, ! to /
  [0x003a, 0x0040], // : to @
  [0x005b, 0x005e], // [ \ ] ^
  [0x0060, 0x0060], // `
  [0x007b, 0x00a1], // { | } ~, C1 controls, no-break space, ¡
  [0x00ab, 0x00ab], // «
  [0x00b7, 0x00b7], // ·
  [0x00bb, 0x00bb], // »
  [0x00bf, 0x00bf], // ¿
  [0x1680, 0x1680], // ogham space
  [0x2000, 0x200b], // spaces, zero width space
  [0x2010, 0x2029], // dashes, quotation marks, bullets, ellipsis, line and paragraph separator
  [0x202f, 0x202f], // narrow no-break space
  [0x2039, 0x203a], // ‹ ›
  [0x205f, 0x205f], // mathematical space
  [0x2190, 0x2193], // arrows
  [0x2500, 0x257f], // box drawing, as trees and tables are printed
  [0x3000, 0x3003], // ideographic space, comma, full stop, ditto
  [0x3008, 0x3011], // CJK brackets
  [0x3014, 0x301f], // CJK brackets, wave dash
  [0xfeff, 0xfeff], // byte order mark
  [0xff01, 0xff0f], // fullwidth ! to /
  [0xff1a, 0xff20], // fullwidth : to @
  [0xff3b, 0xff3e], // fullwidth [ to ^
  [0xff40, 0xff40], // fullwidth `
  [0xff5b, 0xff65], // fullwidth { to ～, halfwidth CJK punctuation
];

/** Every separator as a one-character string, in code point order: `tokenize_on_chars` of the mapping. */
export const separators: readonly string[] = separatorRanges.flatMap(([from, to]) =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)),
);

const isSeparator = new Uint8Array(0x10000);
for (const separator of separators) isSeparator[separator.charCodeAt(0)] = 1;

/** The tokens of a text in order; neighbours in this list are neighbours for a phrase. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let start = -1;
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (isSeparator[unit] === 1) {
      if (start >= 0) tokens.push({ token: lowercase(text.slice(start, at)), start, end: at });
      start = -1;
      at++;
      continue;
    }
    if (start < 0) start = at;
    at += unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1)) ? 2 : 1;
    if (at - start >= tokenLengthMax) {
      tokens.push({ token: lowercase(text.slice(start, at)), start, end: at });
      start = -1;
    }
  }
  if (start >= 0) tokens.push({ token: lowercase(text.slice(start)), start, end: text.length });
  return tokens;
}

/** The tokens alone, as `tokenize` finds them; `lower` is the text in lowercase. */
export function tokenTexts(text: string, lower: string): string[] {
  // A place in the text is a place in its lowercase as long as no letter changes its length.
  if (lower.length !== text.length) return tokenize(text).map(({ token }) => token);
  const tokens: string[] = [];
  let start = -1;
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (isSeparator[unit] === 1) {
      if (start >= 0) tokens.push(lower.slice(start, at));
      start = -1;
      at++;
      continue;
    }
    if (start < 0) start = at;
    at += unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1)) ? 2 : 1;
    if (at - start >= tokenLengthMax) {
      tokens.push(lower.slice(start, at));
      start = -1;
    }
  }
  if (start >= 0) tokens.push(lower.slice(start));
  return tokens;
}

/**
 * Lucene's `lowercase` filter: each code point by itself, one code point for one. Tried against OpenSearch 3.6 for
 * every code point below U+1F000; only a few letters differ that a newer Unicode gave a lowercase form.
 */
export function lowercase(text: string): string {
  const lower = text.toLowerCase();
  // toLowerCase looks at neighbours for a final sigma, and makes two code points of U+0130; Lucene does neither.
  if (!/[\u0130\u03a3]/.test(text)) return lower;
  let result = '';
  for (const char of text) result += char === '\u0130' ? 'i' : char.toLowerCase();
  return result;
}

/** Whether a UTF-16 unit separates tokens. */
export function separates(unit: number): boolean {
  return isSeparator[unit] === 1;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
