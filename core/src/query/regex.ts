import { lowercase } from './tokenize.ts';

/** Longest regex, UTF-16 units. */
const lengthMax = 256;
/** What nested counts such as (a{10}){10} may multiply to. */
const repeatMax = 500;
const depthMax = 10;

/** Why a regex is refused, and where: an offset in its source. */
export class RegexRefusal {
  readonly at: number;
  readonly what: string;
  readonly hint: string;

  constructor(at: number, what: string, hint: string) {
    this.at = at;
    this.what = what;
    this.hint = hint;
  }
}

/**
 * A regex in the common ground of Lucene and other engines, written for Lucene's `regexp` query with flags NONE.
 * Literals, `.`, classes, \d \w \s, groups, alternatives and counts; it matches whole values, there are no anchors.
 * With `lower`, ASCII case is ignored by lowercasing, for text that is lowercase already.
 * @throws RegexRefusal
 */
export function luceneRegex(source: string, lower: boolean): string {
  if (source.length > lengthMax)
    throw new RegexRefusal(0, `a regex longer than ${lengthMax} characters`, 'shorten it');
  const writer = new Writer(source, lower);
  const written = writer.alternatives(0).text;
  if (writer.at < source.length)
    throw new RegexRefusal(writer.at, 'nothing is open that ")" could close', 'write \\) to search for one');
  return written;
}

/** Literal text for a Lucene regex. */
export function escapeRegex(text: string): string {
  return text.replaceAll(/[!-/:-@[-^`{-~]/g, '\\$&');
}

const classes: Record<string, string> = { d: '0-9', w: 'A-Za-z0-9_', s: ' \t\n\r\f\v' };
const controls: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' };
const escapeHint = 'known are \\d \\w \\s \\D \\W \\S \\n \\t \\r, and \\ before punctuation';

const anchorHint =
  'a regex matches a whole word of message, or a whole value: leave anchors away, and write .* where anything may stand';

/** Written text, and what the counts in it multiply to. */
interface Piece {
  text: string;
  repeats: number;
}

class Writer {
  readonly source: string;
  readonly lower: boolean;
  at = 0;

  constructor(source: string, lower: boolean) {
    this.source = source;
    this.lower = lower;
  }

  /** Up to the end or a closing parenthesis. */
  alternatives(depth: number): Piece {
    if (depth > depthMax)
      throw new RegexRefusal(this.at, `groups nested deeper than ${depthMax}`, 'simplify the regex');
    const whole = this.sequence(depth);
    while (this.peek() === '|') {
      this.at++;
      const branch = this.sequence(depth);
      whole.text += `|${branch.text}`;
      whole.repeats = Math.max(whole.repeats, branch.repeats);
    }
    return whole;
  }

  private sequence(depth: number): Piece {
    const start = this.at;
    const whole = { text: '', repeats: 1 };
    while (this.at < this.source.length && !'|)'.includes(this.peek())) {
      const from = this.at;
      const atom = this.atom(depth);
      const count = this.count();
      const repeats = atom.repeats * count.repeats;
      if (repeats > repeatMax)
        throw new RegexRefusal(from, `counts that multiply to more than ${repeatMax}`, 'use * or + instead');
      whole.text += atom.text + count.text;
      whole.repeats = Math.max(whole.repeats, repeats);
    }
    if (whole.text === '')
      throw new RegexRefusal(
        start,
        'an empty regex or alternative',
        'write (a|b)? when nothing may stand there too',
      );
    return whole;
  }

  private atom(depth: number): Piece {
    const char = this.peek();
    if (char === '(') return this.group(depth);
    if (char === '[') return single(this.charClass());
    if (char === '\\') return single(this.escape());
    if ('*+?{'.includes(char))
      throw new RegexRefusal(this.at, `"${char}" has nothing to repeat`, `write \\${char} to search for one`);
    if (char === '^' || char === '$')
      throw new RegexRefusal(this.at, `"${char}" is not supported`, anchorHint);
    if (char === '.') {
      this.at++;
      return single(char);
    }
    return single(this.literal(this.takeChar()));
  }

  private group(depth: number): Piece {
    const start = this.at++;
    if (this.peek() === '?') {
      if (this.source[this.at + 1] !== ':')
        throw new RegexRefusal(
          start,
          'lookaround, named groups and flags are not supported',
          'write plain groups ( )',
        );
      this.at += 2;
    }
    const inner = this.alternatives(depth + 1);
    if (this.peek() !== ')')
      throw new RegexRefusal(
        start,
        'the parenthesis is not closed',
        'close it with ), or write \\( to search for one',
      );
    this.at++;
    return { text: `(${inner.text})`, repeats: inner.repeats };
  }

  private count(): Piece {
    const char = this.peek();
    let count = single('');
    if (char !== '' && '*+?'.includes(char)) {
      count = single(this.takeChar());
    } else if (char === '{') {
      const match = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(this.source.slice(this.at, this.at + 16));
      const [text, min, comma, max] = match ?? [];
      if (text === undefined || (max !== undefined && Number(max) < Number(min)))
        throw new RegexRefusal(
          this.at,
          'not a count',
          'write {3}, {3,} or {3,5}, or \\{ to search for a brace',
        );
      this.at += text.length;
      count = {
        text: comma === undefined ? `{${min},${min}}` : text,
        repeats: Math.max(1, Number(max ?? min)),
      };
    } else return count;
    if (this.peek() !== '' && '*+?{'.includes(this.peek()))
      throw new RegexRefusal(
        this.at,
        'a count after a count',
        'lazy and possessive counts are not needed: only whether it matches counts',
      );
    return count;
  }

  private escape(): string {
    const { char, set } = this.escaped();
    if (set === undefined) return this.literal(char);
    return `[${char === char.toUpperCase() ? '^' : ''}${set}]`;
  }

  /** The character, or the set, of an escape. */
  private escaped(): { char: string; set: string | undefined } {
    const start = this.at++;
    const char = this.takeChar();
    if (char === '') throw new RegexRefusal(start, 'nothing follows the backslash', escapeHint);
    if (Object.hasOwn(classes, char.toLowerCase())) return { char, set: classes[char.toLowerCase()] };
    if (Object.hasOwn(controls, char)) return { char: controls[char] ?? '', set: undefined };
    if (/[A-Za-z0-9]/.test(char)) throw new RegexRefusal(start, `"\\${char}" is not supported`, escapeHint);
    return { char, set: undefined };
  }

  private charClass(): string {
    const start = this.at++;
    let written = this.peek() === '^' ? this.takeChar() : '';
    const empty = written;
    while (this.peek() !== ']') {
      if (this.at >= this.source.length)
        throw new RegexRefusal(
          start,
          'the character class is not closed',
          'close it with ], or write \\[ to search for one',
        );
      written += this.members();
    }
    this.at++;
    if (written === empty)
      throw new RegexRefusal(start, 'an empty character class', 'write \\] within it for a bracket');
    return `[${written}]`;
  }

  /** One character, range or set of a class. */
  private members(): string {
    const start = this.at;
    const from = this.member();
    if (from.set !== undefined) {
      if (from.char !== from.char.toLowerCase())
        throw new RegexRefusal(
          start,
          `"\\${from.char}" within a class is not supported`,
          'write a class of its own, as in [^0-9]',
        );
      return from.set;
    }
    if (this.peek() !== '-' || this.source[this.at + 1] === ']') return this.literal(from.char);
    this.at++;
    const to = this.member();
    if (to.set !== undefined || (to.char.codePointAt(0) ?? 0) < (from.char.codePointAt(0) ?? 0))
      throw new RegexRefusal(
        start,
        'not a range of characters',
        'write the lower character first, or \\- for a hyphen',
      );
    const range = `${escapeRegex(from.char)}-${escapeRegex(to.char)}`;
    return this.lower ? range + lowerRange(from.char, to.char) : range;
  }

  private member(): { char: string; set: string | undefined } {
    return this.peek() === '\\' ? this.escaped() : { char: this.takeChar(), set: undefined };
  }

  private literal(char: string): string {
    return escapeRegex(this.lower ? lowercase(char) : char);
  }

  private peek(): string {
    return this.source.charAt(this.at);
  }

  /** The next code point. */
  private takeChar(): string {
    const code = this.source.codePointAt(this.at);
    if (code === undefined) return '';
    const char = String.fromCodePoint(code);
    this.at += char.length;
    return char;
  }
}

function single(text: string): Piece {
  return { text, repeats: 1 };
}

/** The lowercase letters of the ASCII capitals in a range. */
function lowerRange(from: string, to: string): string {
  const [first, last] = [from > 'A' ? from : 'A', to < 'Z' ? to : 'Z'];
  return first <= last ? `${first.toLowerCase()}-${last.toLowerCase()}` : '';
}
