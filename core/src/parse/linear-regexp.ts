import { MillraceError, messageOf } from '../errors.ts';

/**
 * Compiles an expression so that the runtime's linear-time engine can take it over when backtracking gets out of
 * hand (D14). That engine has no lookaround, no backreferences, no ignore-case and no counts over 16: the first two
 * are refused, the others are written out ([Aa]; x{16}x{4}), which changes nothing that a match yields. Ignoring case
 * is for characters with one other case, in ranges for ASCII letters only.
 * @throws MillraceError RULE_INVALID
 */
export function linearExpression(expression: string, flags: string): RegExp {
  const kept = flags.replace('i', '');
  try {
    new RegExp(expression, flags);
    const source = new Rewriter(expression, flags.includes('i')).rewrite();
    return new RegExp(source, kept);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw refused(messageOf(cause));
  }
}

/** What the engine multiplies out at most. */
const countMax = 16;
const nestingMax = 100;
const rewrittenMax = 32_768;

function refused(why: string): MillraceError {
  return new MillraceError('RULE_INVALID', `expression: ${why}`, {
    hint: 'use groups, classes, alternatives and repetition; docs/documents.md says what expressions may hold',
  });
}

interface Piece {
  text: string;
  /** Largest product of counts around anything inside. */
  factor: number;
  /** Holds capturing groups, so it cannot be written twice. */
  captures: boolean;
  /** Matches exactly one character, in one way. */
  single: boolean;
}

interface ClassMember {
  text: string;
  /** Undefined for a set such as \d. */
  char: string | undefined;
}

/** Walks an expression that RegExp has accepted; syntax is therefore not checked again. */
class Rewriter {
  readonly source: string;
  readonly ignoreCase: boolean;
  at = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.source = source;
    this.ignoreCase = ignoreCase;
  }

  rewrite(): string {
    return this.sequence(0).text;
  }

  /** Alternatives up to the end or the closing parenthesis. */
  private sequence(depth: number): Piece {
    if (depth > nestingMax) throw refused(`groups nested deeper than ${nestingMax}`);
    const whole: Piece = { text: '', factor: 1, captures: false, single: false };
    while (this.at < this.source.length && this.source[this.at] !== ')') {
      const piece = this.quantified(this.atom(depth));
      whole.text += piece.text;
      whole.factor = Math.max(whole.factor, piece.factor);
      whole.captures ||= piece.captures;
      if (whole.text.length > rewrittenMax) throw refused('too long with its counts written out');
    }
    return whole;
  }

  private atom(depth: number): Piece {
    const char = this.source[this.at] ?? '';
    if (char === '(') return this.group(depth);
    if (char === '[') return single(this.charClass());
    if (char === '\\') return this.escape();
    this.at++;
    if (char === '.') return single(char);
    return '|^$'.includes(char) ? { ...single(char), single: false } : single(this.folded(char));
  }

  private group(depth: number): Piece {
    const opening =
      /^\((?:\?(?:<[=!]|<[^>]*>|[=!:]|[a-z-]+:?))?/.exec(this.source.slice(this.at))?.[0] ?? '(';
    if (/^\(\?<?[=!]/.test(opening)) throw refused('lookaround cannot run in linear time');
    if (/^\(\?[a-z-]/.test(opening)) throw refused('flags within the expression: set them for all of it');
    this.at += opening.length;
    const inner = this.sequence(depth + 1);
    this.at++; // the closing parenthesis
    return {
      text: `${opening}${inner.text})`,
      factor: inner.factor,
      captures: inner.captures || opening !== '(?:',
      single: false,
    };
  }

  private escape(): Piece {
    const rest = this.source.slice(this.at, this.at + 8);
    if (/^\\(?:[1-9]|k)/.test(rest)) throw refused('backreferences cannot run in linear time');
    const text = /^\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|c[a-zA-Z]|0[0-7]{0,2}|[\s\S])/.exec(rest)?.[0] ?? '\\';
    this.at += text.length;
    if (/^\\[bB]$/.test(text)) return { ...single(text), single: false };
    const char = escapedChar(text);
    return single(char === undefined || !this.ignoreCase ? text : (otherCase(char, text) ?? text));
  }

  private folded(char: string): string {
    return (this.ignoreCase ? otherCase(char, char) : undefined) ?? char;
  }

  /** A class with the other cases of its members added. */
  private charClass(): string {
    let text = this.source[++this.at] === '^' ? '[^' : '[';
    if (text === '[^') this.at++;
    while (this.source[this.at] !== ']') {
      const from = this.classMember();
      const next = this.source[this.at + 1];
      const to = this.source[this.at] === '-' && next !== ']' ? this.rangeEnd() : undefined;
      text += to === undefined ? from.text : `${from.text}-${to.text}`;
      const [first, last] = [from.char, to === undefined ? from.char : to.char];
      if (to !== undefined && (first === undefined || last === undefined)) {
        text = `${text.slice(0, -to.text.length - 1)}\\-${to.text}`; // \d-x is no range but three members
        if (this.ignoreCase) text += otherCases(first, first) + otherCases(last, last);
      } else if (this.ignoreCase) text += otherCases(first, last);
    }
    this.at++;
    return `${text}]`;
  }

  private rangeEnd(): ClassMember {
    this.at++;
    return this.classMember();
  }

  private classMember(): ClassMember {
    const char = this.source[this.at] ?? '';
    if (char !== '\\') {
      this.at++;
      return { text: char === '-' ? '\\-' : char, char };
    }
    const rest = this.source.slice(this.at, this.at + 8);
    const pattern = /^\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|c\w|[0-3][0-7]{0,2}|[4-7][0-7]?|[\s\S])/;
    const text = pattern.exec(rest)?.[0] ?? '\\';
    this.at += text.length;
    return { text, char: escapedChar(text) };
  }

  private quantified(piece: Piece): Piece {
    const match = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.source.slice(this.at, this.at + 64));
    if (match === null) return piece;
    const text = match[0];
    this.at += text.length;
    if (match[1] === undefined) return { ...piece, text: piece.text + text, single: false };
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    const most = max === Number.POSITIVE_INFINITY ? min : max;
    const factor = piece.factor * Math.max(most, 1);
    if (factor <= countMax) return { ...piece, text: piece.text + text, factor, single: false };
    return writtenOut(piece, min, max, text.endsWith('?') ? '?' : '');
  }
}

function single(text: string): Piece {
  return { text, factor: 1, captures: false, single: true };
}

/** `x{5,40}` as `x{5}x{0,16}x{0,16}x{0,3}`: pieces within the engine's limit. */
function writtenOut(piece: Piece, min: number, max: number, lazy: string): Piece {
  if (piece.captures) throw refused(`a count over ${countMax} around a capturing group`);
  if (lazy !== '' && !piece.single) throw refused(`a lazy count over ${countMax} around a group`);
  const step = Math.floor(countMax / piece.factor);
  const limit = rewrittenMax / (piece.text.length + 1);
  if (min / step > limit || (max !== Number.POSITIVE_INFINITY && max / step > limit))
    throw refused('too long with its counts written out');
  let text = '';
  for (let left = min; left > 0; left -= step) text += `${piece.text}{${Math.min(left, step)}}`;
  if (max === Number.POSITIVE_INFINITY) text += `${piece.text}*${lazy}`;
  else
    for (let left = max - min; left > 0; left -= step)
      text += `${piece.text}{0,${Math.min(left, step)}}${lazy}`;
  return { text, factor: step * piece.factor, captures: false, single: false };
}

/** The character that an escape stands for; undefined for classes (\d) and assertions. */
function escapedChar(written: string): string | undefined {
  const body = written.slice(1);
  if (/^[xu][\da-fA-F]{2}/.test(body) && body.length > 1) {
    return String.fromCharCode(Number.parseInt(body.slice(1), 16));
  }
  if (/^[0-7]/.test(body)) return String.fromCharCode(Number.parseInt(body, 8));
  const control = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' }[body];
  if (control !== undefined) return control;
  if (/^[dDwWsSbBc]/.test(body)) return undefined;
  return body;
}

/** `[xX]` for a character with one other case, undefined for all others. */
function otherCase(char: string, written: string): string | undefined {
  const other = swapped(char);
  return other === undefined ? undefined : `[${written}${other}]`;
}

function swapped(char: string): string | undefined {
  const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
  if (lower === upper || lower.length !== 1 || upper.length !== 1) return undefined;
  const other = char === lower ? upper : lower;
  // As RegExp has it: no ASCII letter equals anything beyond ASCII.
  return char < '\u0080' === other < '\u0080' ? other : undefined;
}

/** What ignoring case adds for the range from..to of a class. */
function otherCases(from: string | undefined, to: string | undefined): string {
  if (from === undefined || to === undefined) return '';
  if (from === to) return swapped(from) ?? '';
  return (
    overlap(from, to, 'a', 'z', (char) => char.toUpperCase()) +
    overlap(from, to, 'A', 'Z', (char) => char.toLowerCase())
  );
}

function overlap(
  from: string,
  to: string,
  first: string,
  last: string,
  swap: (char: string) => string,
): string {
  const [start, end] = [from > first ? from : first, to < last ? to : last];
  return start <= end ? `${swap(start)}-${swap(end)}` : '';
}
