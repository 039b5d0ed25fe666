import {
  type CharSet,
  complement,
  digits,
  hexDigits,
  posixSet,
  single,
  spaces,
  wordChars,
} from './char-set.ts';
import { linearHint, RegexpProblem } from './syntax.ts';

/** Text and position of an expression that is being read. */
export class Cursor {
  readonly text: string;
  pos = 0;
  /** Differences to Ruby that a user should know. */
  readonly remarks = new Set<string>();

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.pos >= this.text.length;
  }

  peek(length = 1): string {
    return this.text.slice(this.pos, this.pos + length);
  }

  skip(literal: string): boolean {
    if (!this.text.startsWith(literal, this.pos)) return false;
    this.pos += literal.length;
    return true;
  }

  scan(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.pos;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.pos += match[0].length;
    return match;
  }
}

export type Escape =
  | { type: 'set'; set: CharSet }
  /** Several code units in a row: a character beyond U+FFFF. */
  | { type: 'units'; units: number[] };

const classes: Readonly<Record<string, CharSet>> = {
  d: digits,
  D: complement(digits),
  w: wordChars,
  W: complement(wordChars),
  s: spaces,
  S: complement(spaces),
  h: hexDigits,
  H: complement(hexDigits),
};

const characters: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7, e: 27 };

/** Reads an escape that is the same in and outside of a class; the cursor stands behind the backslash. */
export function parseEscape(cursor: Cursor): Escape {
  const name = cursor.scan(/./suy)?.[0];
  if (name === undefined) throw new RegexpProblem('it ends with a backslash');
  const known = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (known) return { type: 'set', set: known };
  const code = Object.hasOwn(characters, name) ? characters[name] : undefined;
  if (code !== undefined) return { type: 'set', set: single(code) };
  if (name === 'p' || name === 'P') return { type: 'set', set: parseProperty(cursor, name === 'P') };
  if (name === 'x' || name === 'u') return codePoint(parseHex(cursor, name));
  if (name === '0') return codePoint(Number.parseInt(cursor.scan(/[0-7]{1,2}/y)?.[0] ?? '0', 8));
  if (/[1-9kg]/.test(name))
    throw new RegexpProblem(`\\${name} refers back to a group, which is not supported`, linearHint);
  if (/[cCMGKXRbBAzZ]/.test(name)) throw new RegexpProblem(`\\${name} is not supported here`);
  return codePoint(name.codePointAt(0) ?? 0);
}

function parseHex(cursor: Cursor, kind: 'x' | 'u'): number {
  const braces = cursor.scan(/\{\s*([0-9a-fA-F]{1,6})\s*\}/y);
  const digitsText = braces?.[1] ?? cursor.scan(kind === 'x' ? /[0-9a-fA-F]{1,2}/y : /[0-9a-fA-F]{4}/y)?.[0];
  if (digitsText === undefined) throw new RegexpProblem(`\\${kind} needs hexadecimal digits`);
  const code = Number.parseInt(digitsText, 16);
  if (code > 0x10ffff) throw new RegexpProblem(`\\${kind}{${digitsText}} is no character`);
  return code;
}

function parseProperty(cursor: Cursor, negated: boolean): CharSet {
  const match = cursor.scan(/\{(\^?)([A-Za-z_]{1,40})\}/y);
  const set = match ? posixSet(match[2] ?? '') : undefined;
  if (!match || !set)
    throw new RegexpProblem(
      `\\p${match?.[0] ?? ''} is not supported`,
      'list the characters, as in [a-z가-힣]',
    );
  cursor.remarks.add(`\\p${match[0]} stands for ASCII characters`);
  return (match[1] === '^') === negated ? set : complement(set);
}

export function codePoint(code: number): Escape {
  if (code <= 0xffff) return { type: 'set', set: single(code) };
  const text = String.fromCodePoint(code);
  return { type: 'units', units: [text.charCodeAt(0), text.charCodeAt(1)] };
}
