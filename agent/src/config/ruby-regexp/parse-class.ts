import { type CharSet, complement, foldCase, intersection, posixSet, union } from './char-set.ts';
import { type Cursor, codePoint, type Escape, parseEscape } from './parse-escape.ts';
import { RegexpProblem } from './syntax.ts';

const depthMax = 20;

/** Reads `[…]` with ranges, POSIX brackets, nested classes and `&&`; the cursor stands behind the first `[`. */
export function parseClass(cursor: Cursor, ignoreCase: boolean, depth = 0): CharSet {
  if (depth > depthMax) throw new RegexpProblem(`character classes are nested more than ${depthMax} deep`);
  const negated = cursor.skip('^');
  let kept: CharSet | undefined;
  const sets: CharSet[] = [];
  const gathered = () => {
    const all = ignoreCase ? foldCase(union(...sets)) : union(...sets);
    return kept ? intersection(kept, all) : all;
  };
  let first = true;
  for (;;) {
    if (cursor.atEnd) throw new RegexpProblem('a character class has no closing ]');
    // A ] in first place is a character, as in Ruby.
    if (!first && cursor.skip(']')) break;
    first = false;
    if (cursor.skip('&&')) {
      kept = gathered();
      sets.length = 0;
    } else if (cursor.peek(2) === '[:') {
      sets.push(parsePosix(cursor));
    } else if (cursor.skip('[')) {
      sets.push(parseClass(cursor, ignoreCase, depth + 1));
    } else {
      sets.push(parseRange(cursor));
    }
  }
  return negated ? complement(gathered()) : gathered();
}

function parsePosix(cursor: Cursor): CharSet {
  const match = cursor.scan(/\[:(\^?)([a-z]{1,20}):\]/y);
  const set = match ? posixSet(match[2] ?? '') : undefined;
  if (!match || !set)
    throw new RegexpProblem(
      `${match?.[0] ?? cursor.peek(12)}: unknown POSIX bracket`,
      'put a backslash before [',
    );
  if (match[2] !== 'digit' && match[2] !== 'xdigit' && match[2] !== 'ascii')
    cursor.remarks.add(`${match[0]} stands for ASCII characters`);
  return match[1] === '^' ? complement(set) : set;
}

function parseRange(cursor: Cursor): CharSet {
  const from = member(cursor);
  const rest = cursor.peek(2);
  if (rest[0] !== '-' || rest === '-]' || rest === '-' || rest === '-[') return from;
  const low = from[0];
  if (from.length !== 1 || !low || low[0] !== low[1]) return from;
  cursor.pos++;
  const to = member(cursor);
  const high = to[0];
  if (to.length !== 1 || !high || high[0] !== high[1]) return union(from, to, [[0x2d, 0x2d]]);
  if (high[0] < low[0]) throw new RegexpProblem('a range of a character class runs backwards');
  return [[low[0], high[0]]];
}

function member(cursor: Cursor): CharSet {
  if (cursor.peek(2) === '\\b') {
    cursor.pos += 2;
    return [[8, 8]];
  }
  const read: Escape = cursor.skip('\\')
    ? parseEscape(cursor)
    : codePoint(cursor.scan(/./suy)?.[0].codePointAt(0) ?? 0);
  if (read.type === 'units')
    throw new RegexpProblem(
      'a character beyond U+FFFF cannot stand in a character class',
      'write alternatives: (?:…|…)',
    );
  return read.set;
}
