/** A set of UTF-16 code units: sorted, disjoint, inclusive ranges. */
export type CharSet = readonly (readonly [number, number])[];

const unitMax = 0xffff;

export const anyChar: CharSet = [[0, unitMax]];
export const digits: CharSet = [[0x30, 0x39]];
export const hexDigits: CharSet = [
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
];
export const wordChars: CharSet = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** Ruby's `\s`: narrower than JavaScript's. */
export const spaces: CharSet = [
  [0x09, 0x0d],
  [0x20, 0x20],
];

const lower: CharSet = [[0x61, 0x7a]];
const upper: CharSet = [[0x41, 0x5a]];
const alpha: CharSet = [...upper, ...lower];

/** POSIX brackets and `\p{…}`; ASCII, where Ruby's also know other letters. */
const posix: Readonly<Record<string, CharSet>> = {
  alnum: [...digits, ...alpha],
  alpha,
  ascii: [[0, 0x7f]],
  blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: digits,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: spaces,
  upper,
  word: wordChars,
  xdigit: hexDigits,
};

export function posixSet(name: string): CharSet | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(posix, key) ? posix[key] : undefined;
}

export function single(unit: number): CharSet {
  return [[unit, unit]];
}

export function union(...sets: CharSet[]): CharSet {
  const ranges = sets.flat().toSorted((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function complement(set: CharSet): CharSet {
  const ranges: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) ranges.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= unitMax) ranges.push([next, unitMax]);
  return ranges;
}

export function intersection(a: CharSet, b: CharSet): CharSet {
  return complement(union(complement(a), complement(b)));
}

/** Adds the other case of each letter; ranges of more than 1024 units are taken to hold both already. */
export function foldCase(set: CharSet): CharSet {
  const others: [number, number][] = [];
  for (const [from, to] of set) {
    if (to - from > 1024) continue;
    for (let unit = from; unit <= to; unit++) {
      const text = String.fromCharCode(unit);
      for (const other of [text.toLowerCase(), text.toUpperCase()])
        if (other.length === 1 && other !== text) others.push([other.charCodeAt(0), other.charCodeAt(0)]);
    }
  }
  return others.length === 0 ? set : union(set, others);
}

/** JavaScript source of a set; `.` stands for every unit (flag `s`). */
export function charSetSource(set: CharSet): string {
  if (same(set, anyChar)) return '.';
  for (const [shorthand, known] of shorthands) if (same(set, known)) return shorthand;
  const first = set[0];
  if (set.length === 1 && first && first[0] === first[1]) return charSource(first[0], false);
  const body = rangesSource(set);
  const outside = rangesSource(complement(set));
  return outside.length < body.length ? `[^${outside}]` : `[${body}]`;
}

const shorthands: readonly [string, CharSet][] = [
  ['\\d', digits],
  ['\\D', complement(digits)],
  ['\\w', wordChars],
  ['\\W', complement(wordChars)],
];

function rangesSource(set: CharSet): string {
  return set
    .map(([from, to]) => {
      if (from === to) return charSource(from, true);
      const dash = to === from + 1 ? '' : '-';
      return `${charSource(from, true)}${dash}${charSource(to, true)}`;
    })
    .join('');
}

const controls: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' };

/** JavaScript source of one code unit, in or outside of a class. */
function charSource(unit: number, inClass: boolean): string {
  const control = controls[unit];
  if (control !== undefined) return control;
  if (unit < 0x20 || unit === 0x7f) return `\\x${unit.toString(16).padStart(2, '0')}`;
  // Separators and lone surrogates would not survive as text.
  if ((unit >= 0xd800 && unit <= 0xdfff) || unit === 0x2028 || unit === 0x2029 || unit >= 0xfeff)
    return `\\u${unit.toString(16).padStart(4, '0')}`;
  const text = String.fromCharCode(unit);
  return (inClass ? '\\]^-[' : '\\^$.*+?()[]{}|/').includes(text) ? `\\${text}` : text;
}

function same(a: CharSet, b: CharSet): boolean {
  return a.length === b.length && a.every(([from, to], i) => b[i]?.[0] === from && b[i]?.[1] === to);
}
