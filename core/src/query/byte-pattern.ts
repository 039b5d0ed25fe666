import { lowercase } from './tokenize.ts';

/**
 * The source of an expression that finds a text of lower case, in whatever case it is written, in UTF-8 bytes that are
 * read as Latin-1; to be used with the flag `i`. It may find more, and never less.
 */
export function bytePattern(text: string): string {
  let source = '';
  for (const char of text) {
    // Bytes that are no UTF-8 are read as this one.
    if (char === '\ufffd') source += '[\\x80-\\xff]{1,3}';
    else {
      const forms = [char, ...othersOf(char)].map(bytesOf);
      source += forms.length === 1 ? forms[0] : `(?:${forms.join('|')})`;
    }
  }
  return source;
}

/** The same for bytes of ASCII alone; undefined for a text that these cannot hold. */
export function asciiPattern(text: string): string | undefined {
  return isAsciiText(text) ? text.replaceAll(/[^a-z0-9_]/g, '\\$&') : undefined;
}

export function isAsciiText(text: string): boolean {
  return /^[\u0000-\u007f]*$/.test(text);
}

/** Code points beyond ASCII that are written `char` in lower case. */
function othersOf(char: string): string[] {
  if (char === 'i') return ['\u0130'];
  if (char === 'k') return ['\u212a'];
  if (isAsciiText(char)) return [];
  cased ??= casedCodePoints();
  return cased.get(char) ?? [];
}

let cased: Map<string, string[]> | undefined;

/** No code point beyond these has a lower case; a test looks at all there are. */
const casedEnd = 0x1f000;

function casedCodePoints(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (let code = 0x80; code < casedEnd; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const char = String.fromCodePoint(code);
    const lower = lowercase(char);
    if (lower !== char) found.set(lower, [...(found.get(lower) ?? []), char]);
  }
  return found;
}

function bytesOf(char: string): string {
  if (/^[A-Za-z0-9_]$/.test(char)) return char;
  return [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
