import { anyChar, complement, foldCase, single } from './char-set.ts';
import { parseClass } from './parse-class.ts';
import { Cursor, codePoint, type Escape, parseEscape } from './parse-escape.ts';
import { linearHint, type Node, type Options, RegexpProblem } from './syntax.ts';

const depthMax = 100;
const repeatMax = 1_000;
const sourceMax = 16_384;

interface ParsedRegexp {
  node: Node;
  groups: string[];
  remarks: string[];
  /** Whether ^ and $ must match at line breaks. */
  lineAnchors: boolean;
}

/**
 * Reads Ruby's (Onigmo's) syntax.
 * @param lines whether the text may hold line breaks; if it cannot, `.` is every character
 * @throws RegexpProblem for syntax errors and for what does not run in linear time
 */
export function parseRegexp(source: string, options: Options, lines: boolean): ParsedRegexp {
  if (source.length > sourceMax) throw new RegexpProblem(`it is longer than ${sourceMax} characters`);
  const parser = new Parser(source, lines);
  const node = parser.choice(options, 0);
  if (!parser.cursor.atEnd) throw new RegexpProblem('a ) closes nothing', 'put a backslash before it');
  if (parser.lineAnchors && parser.textAnchors)
    throw new RegexpProblem(
      '^ or $ stands beside \\A, \\z or \\Z',
      'use one kind of anchor for the whole expression',
    );
  const { groups, cursor, lineAnchors } = parser;
  return { node, groups: [...groups], remarks: [...cursor.remarks], lineAnchors };
}

class Parser {
  readonly cursor: Cursor;
  readonly groups = new Set<string>();
  lineAnchors = false;
  textAnchors = false;
  readonly #lines: boolean;

  constructor(source: string, lines: boolean) {
    this.cursor = new Cursor(source);
    this.#lines = lines;
  }

  /** Alternatives up to a `)` or the end, neither of which is consumed. */
  choice(options: Options, depth: number): Node {
    if (depth > depthMax) throw new RegexpProblem(`groups are nested more than ${depthMax} deep`);
    const found = [this.#sequence(options, depth)];
    while (this.cursor.skip('|')) found.push(this.#sequence(options, depth));
    return found.length === 1 && found[0] ? found[0] : { type: 'choice', options: found };
  }

  #sequence(options: Options, depth: number): Node {
    const { cursor } = this;
    const items: Node[] = [];
    while (!cursor.atEnd && cursor.peek() !== '|' && cursor.peek() !== ')') {
      if (options.extended && cursor.scan(/\s+|#[^\n]*/y)) continue;
      if (cursor.scan(/\(\?#[^)]*\)/y)) continue;
      const atom = this.#atom(options, depth);
      items.push(this.#repeats(atom));
    }
    return items.length === 1 && items[0] ? items[0] : { type: 'sequence', items };
  }

  #atom(options: Options, depth: number): Node {
    const { cursor } = this;
    if (cursor.skip('(')) return this.#group(options, depth);
    if (cursor.skip('[')) return { type: 'set', set: parseClass(cursor, options.ignoreCase) };
    if (cursor.skip('.'))
      return { type: 'set', set: options.dotAll || !this.#lines ? anyChar : complement(single(10)) };
    const anchor = cursor.scan(/[$^]/y);
    if (anchor) {
      // In Ruby they are at line breaks too; text without any needs no flag for that.
      this.lineAnchors ||= this.#lines;
      return { type: 'raw', source: anchor[0] };
    }
    if (/[*+?]/.test(cursor.peek()))
      throw new RegexpProblem(`${cursor.peek()} has nothing to repeat`, 'put a backslash before it');
    if (cursor.skip('\\')) return this.#assertion() ?? escapeNode(parseEscape(cursor), options);
    return escapeNode(codePoint(cursor.scan(/./suy)?.[0].codePointAt(0) ?? 0), options);
  }

  #assertion(): Node | undefined {
    const { cursor } = this;
    const anchor = cursor.scan(/[AzZ]/y)?.[0];
    if (anchor) {
      this.textAnchors ||= this.#lines;
      if (anchor === 'A') return { type: 'raw', source: '^' };
      return { type: 'raw', source: anchor === 'Z' && this.#lines ? '\\n?$' : '$' };
    }
    if (cursor.skip('b')) return { type: 'raw', source: '\\b' };
    if (cursor.skip('B')) return { type: 'raw', source: '\\B' };
    if (cursor.skip('R')) return { type: 'raw', source: '(?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])' };
    return undefined;
  }

  #group(options: Options, depth: number): Node {
    const { cursor } = this;
    // Beside named groups Ruby captures no others, and only named ones become fields.
    if (!cursor.skip('?')) return this.#closed(options, depth);
    const name = cursor.scan(/<([^>=!][^>]{0,255})>|'([^']{1,256})'/y);
    if (name) {
      const text = name[1] ?? name[2] ?? '';
      if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(text))
        throw new RegexpProblem(`"${text}" cannot be the name of a group`);
      this.groups.add(text);
      return { type: 'capture', name: text, body: this.#closed(options, depth) };
    }
    if (cursor.skip(':')) return this.#closed(options, depth);
    const refused = cursor.scan(/<?[=!]|>|~|\(/y);
    if (refused) throw new RegexpProblem(`(?${refused[0]} is ${refusals[refused[0]] ?? ''}`, linearHint);
    const inline = cursor.scan(/([imx]*)(?:-([imx]*))?([:)])/y);
    if (!inline) throw new RegexpProblem(`(?${cursor.peek(1)} is no group that is supported`);
    const changed = inlineOptions(options, inline[1] ?? '', inline[2] ?? '');
    if (inline[3] === ':') return this.#closed(changed, depth);
    // Without a body the options hold for the rest of the group around, its alternatives included.
    return this.choice(changed, depth + 1);
  }

  #closed(options: Options, depth: number): Node {
    const body = this.choice(options, depth + 1);
    if (!this.cursor.skip(')')) throw new RegexpProblem('a ( has no closing )');
    return body;
  }

  #repeats(atom: Node): Node {
    const { cursor } = this;
    let node = atom;
    for (let count = 0; ; count++) {
      if (count > 4) throw new RegexpProblem('more than 4 quantifiers in a row');
      const simple = cursor.scan(/[*+?]/y)?.[0];
      const counted = simple === undefined ? cursor.scan(/\{(\d{0,6})(,?)(\d{0,6})\}/y) : undefined;
      if (simple === undefined && !isInterval(counted)) {
        // A brace that is no interval is a character.
        if (counted) cursor.pos -= counted[0].length;
        return node;
      }
      const [min, max] = simple === undefined ? interval(counted) : (simples[simple] ?? [1, 1]);
      if (min > repeatMax || (max > repeatMax && max !== Number.POSITIVE_INFINITY))
        throw new RegexpProblem(`a repeat count is over ${repeatMax}`);
      if (max < min) throw new RegexpProblem(`{${min},${max}} counts backwards`);
      const lazy = (simple !== undefined || counted?.[2] === ',') && cursor.skip('?');
      if (simple !== undefined && !lazy && cursor.peek() === '+')
        throw new RegexpProblem(`the quantifier ${simple}+ is possessive`, linearHint);
      node = { type: 'repeat', body: node, min, max, lazy };
    }
  }
}

const refusals: Readonly<Record<string, string>> = {
  '=': 'a look-ahead',
  '!': 'a negative look-ahead',
  '<=': 'a look-behind',
  '<!': 'a negative look-behind',
  '>': 'an atomic group',
  '~': 'an absence operator',
  '(': 'a conditional',
};

const simples: Readonly<Record<string, readonly [number, number]>> = {
  '*': [0, Number.POSITIVE_INFINITY],
  '+': [1, Number.POSITIVE_INFINITY],
  '?': [0, 1],
};

function isInterval(match: RegExpExecArray | undefined): boolean {
  return match !== undefined && (match[1] !== '' || match[3] !== '');
}

function interval(match: RegExpExecArray | undefined): [number, number] {
  const min = Number(match?.[1] ?? '');
  if (match?.[2] === '') return [min, min];
  return [min, match?.[3] === '' ? Number.POSITIVE_INFINITY : Number(match?.[3] ?? '')];
}

function inlineOptions(options: Options, on: string, off: string): Options {
  const value = (letter: string, before: boolean) =>
    on.includes(letter) ? true : off.includes(letter) ? false : before;
  return {
    ignoreCase: value('i', options.ignoreCase),
    dotAll: value('m', options.dotAll),
    extended: value('x', options.extended),
  };
}

function escapeNode(read: Escape, options: Options): Node {
  if (read.type === 'units')
    return { type: 'sequence', items: read.units.map((unit) => ({ type: 'set', set: single(unit) })) };
  return { type: 'set', set: options.ignoreCase ? foldCase(read.set) : read.set };
}
