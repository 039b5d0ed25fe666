import { isIP } from 'node:net';
import { addressOf } from './address.ts';

/** Bounds of a range query as the engines get them. */
export interface Bounds<T = unknown> {
  gt?: T;
  gte?: T;
  lt?: T;
  lte?: T;
}

type Passes = (value: unknown) => boolean;

export function numberInRange(bounds: Bounds): Passes {
  return inRange(bounds as Bounds<number>, (a, b) => a - b);
}

export function keywordInRange(bounds: Bounds): Passes {
  return inRange(bounds as Bounds<string>, compareUtf8);
}

/** ISO times of any number of fraction digits, bounds included. */
export function timeInRange(bounds: Bounds): Passes {
  const passes = inRange(mapped(bounds, comparableTime), compareTimes);
  return (value) => passes(String(value));
}

/** IP addresses, an IPv4 address being its IPv6 form. */
export function addressInRange(bounds: Bounds): Passes {
  const passes = inRange(
    mapped(bounds, (text) => (typeof text === 'bigint' ? text : (addressOf(String(text)) ?? 0n))),
    (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  );
  return (value) => {
    const address = addressOf(String(value));
    return address !== undefined && passes(address);
  };
}

/** First and last address of `10.0.0.0/8`, or of one address. */
export function networkOf(text: string): Bounds<bigint> {
  const [ip = '', bits] = text.split('/');
  const address = addressOf(ip) ?? 0n;
  if (bits === undefined) return { gte: address, lte: address };
  const host = BigInt((isIP(ip) === 4 ? 32 : 128) - Number(bits));
  const first = (address >> host) << host;
  return { gte: first, lte: first + (1n << host) - 1n };
}

/** A pattern of the engines: `*` any text, `?` one code point, a backslash before what is meant itself. */
export function wildcardMatches(pattern: string): (text: string) => boolean {
  const parts = wildcardParts(pattern);
  return (text) => {
    // Text without pairs of surrogates has one unit for each character.
    const chars = pairs.test(text) ? [...text] : text;
    let at = 0;
    let part = 0;
    // Where the last `*` stands, and how far it reaches: the only place to come back to.
    let star = -1;
    let reach = 0;
    while (at < chars.length) {
      const wanted = parts[part];
      if (wanted !== undefined && wanted.wild === '*') {
        star = part++;
        reach = at;
      } else if (wanted !== undefined && (wanted.wild === '?' || wanted.char === chars[at])) {
        part++;
        at++;
      } else if (star >= 0) {
        part = star + 1;
        at = ++reach;
      } else return false;
    }
    return parts.slice(part).every(({ wild }) => wild === '*');
  };
}

/** Texts that whatever matches a pattern holds. */
export function wildcardLiterals(pattern: string): string[] {
  const literals = [''];
  for (const { wild, char } of wildcardParts(pattern)) {
    if (wild === undefined) literals.push((literals.pop() ?? '') + char);
    else literals.push('');
  }
  return literals.filter((literal) => literal !== '');
}

const pairs = /[\ud800-\udfff]/;

/** Each part is a wildcard or a character. */
function wildcardParts(pattern: string): { wild: '*' | '?' | undefined; char: string }[] {
  const chars = [...pattern];
  const parts: { wild: '*' | '?' | undefined; char: string }[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string;
    if (char === '*' || char === '?') parts.push({ wild: char, char: '' });
    else parts.push({ wild: undefined, char: char === '\\' ? (chars[++i] ?? '\\') : char });
  }
  return parts;
}

/**
 * A regex that regex.ts wrote for Lucene, as one of JavaScript that matches whole values. Without the `u` flag, so that
 * the runtime's linear-time engine can take it over; pairs of surrogates are therefore spelled out.
 */
export function lucenePattern(source: string): RegExp {
  const chars = [...source];
  let written = '';
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string;
    if (char === '\\') written += literal(chars[++i] ?? '');
    else if (char === '.') written += `(?:${pair}|[^\\ud800-\\udfff])`;
    else if (char === '(') written += '(?:';
    else if (char === '[') {
      const end = classEnd(chars, i);
      written += charClass(chars.slice(i + 1, end));
      i = end;
    } else if (/[)|*+?{},\d]/.test(char)) written += char;
    else written += literal(char);
  }
  return new RegExp(`^(?:${written})$`);
}

const pair = '[\\ud800-\\udbff][\\udc00-\\udfff]';

function literal(char: string): string {
  if (char.length > 1) return `(?:${char})`;
  return /[\^$\\.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char;
}

function classEnd(chars: readonly string[], start: number): number {
  let at = start + 1;
  while (at < chars.length && chars[at] !== ']') at += chars[at] === '\\' ? 2 : 1;
  return at;
}

/** Members of the basic plane in a class, others as alternatives beside it. */
function charClass(members: readonly string[]): string {
  const negated = members[0] === '^';
  const codes: [number, number][] = [];
  for (let i = negated ? 1 : 0; i < members.length; i++) {
    if (members[i] === '\\') i++;
    const from = members[i]?.codePointAt(0) ?? 0;
    let to = from;
    if (members[i + 1] === '-' && i + 2 < members.length) {
      i += members[i + 2] === '\\' ? 3 : 2;
      to = members[i]?.codePointAt(0) ?? from;
    }
    codes.push([from, to]);
  }
  const wanted = negated ? complement(codes) : codes;
  const alternatives = wanted.flatMap(([from, to]) => unitRanges(from, to));
  return alternatives.length === 0 ? '[]' : `(?:${alternatives.join('|')})`;
}

function complement(codes: readonly [number, number][]): [number, number][] {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [from, to] of [...codes].sort((a, b) => a[0] - b[0])) {
    if (from > next) gaps.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= 0x10ffff) gaps.push([next, 0x10ffff]);
  return gaps;
}

/** Classes of UTF-16 units for a range of code points, half pairs left out. */
function unitRanges(from: number, to: number): string[] {
  const ranges: string[] = [];
  const plain = (low: number, high: number) => {
    if (low <= high) ranges.push(`[${unit(low)}-${unit(high)}]`);
  };
  plain(from, Math.min(to, 0xd7ff));
  plain(Math.max(from, 0xe000), Math.min(to, 0xffff));
  for (let low = Math.max(from, 0x10000); low <= to; ) {
    const lead = 0xd800 + ((low - 0x10000) >> 10);
    const last = Math.min(to, low | 0x3ff);
    const whole = (low & 0x3ff) === 0 && to - low >= 0x3ff;
    // All pairs of several leads at once, else those of one.
    const leads = whole ? Math.floor((to - low + 1) / 0x400) : 1;
    const [first, final] = whole ? [0xdc00, 0xdfff] : [0xdc00 + (low & 0x3ff), 0xdc00 + (last & 0x3ff)];
    ranges.push(`[${unit(lead)}-${unit(lead + leads - 1)}][${unit(first)}-${unit(final)}]`);
    low = whole ? low + leads * 0x400 : last + 1;
  }
  return ranges;
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

function inRange<T>({ gt, gte, lt, lte }: Bounds<T>, compare: (a: T, b: T) => number): Passes {
  return (value) =>
    (gt === undefined || compare(value as T, gt) > 0) &&
    (gte === undefined || compare(value as T, gte) >= 0) &&
    (lt === undefined || compare(value as T, lt) < 0) &&
    (lte === undefined || compare(value as T, lte) <= 0);
}

function mapped<T>(bounds: Bounds, map: (value: unknown) => T): Bounds<T> {
  const entries = Object.entries(bounds).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value)]));
}

/** A time against a comparable one: most differ in their seconds, and need not be made comparable. */
function compareTimes(text: string, bound: string): number {
  for (let i = 0; i < secondsLength; i++) {
    const order = text.charCodeAt(i) - bound.charCodeAt(i);
    if (order !== 0) return order;
  }
  const [a, b] = [comparableTime(text), bound];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Of `2026-11-22T10:00:00`. */
const secondsLength = 19;

/** `2026-11-22T10:00:00.5Z` with nine digits and without the Z: sorts as the times do. */
export function comparableTime(value: unknown): string {
  const text = String(value).replace(/Z$/, '');
  return (text.includes('.') ? text : `${text}.`).padEnd(29, '0');
}

/** Text by its UTF-8 bytes, as Lucene sorts terms. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // Pairs of surrogates are the highest code points, though not the highest units.
    const [wideX, wideY] = [isSurrogate(x), isSurrogate(y)];
    return wideX === wideY ? x - y : wideX ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xe000;
}
