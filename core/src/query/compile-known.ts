import { isIP } from 'node:net';
import { normalLevel } from '../document/level.ts';
import { MillraceError } from '../errors.ts';
import type { Dsl } from '../store/port.ts';
import {
  type Bound,
  type ExistsLeaf,
  type Leaf,
  type PatternPart,
  queryError,
  type RangeLeaf,
} from './ast.ts';
import type { CompileContext } from './compile.ts';
import type { KnownField } from './fields.ts';
import { numberOf } from './number.ts';
import { patternQuery, regexQuery, regexSource } from './pattern.ts';
import { formatNs, parseTime } from './time.ts';

type ValueLeaf = Exclude<Leaf, ExistsLeaf>;

/**
 * A leaf about a field with a mapping of its own.
 * @throws MillraceError QUERY_INVALID for a value that the field cannot have
 */
export function knownLeaf(leaf: ValueLeaf, field: KnownField, context: CompileContext): Dsl {
  switch (field.kind) {
    case 'integer':
      return integer(leaf, field);
    case 'date':
      return date(leaf, field, context);
    case 'ip':
      return address(leaf, field);
    case 'id':
      if (leaf.type === 'term') return { ids: { values: [leaf.text] } };
      throw queryError(leaf.at, `${field.name} takes whole ids only`, `write ${field.name}:id`);
    case 'level':
      return keyword(lowercased(leaf), field.name, true);
    default:
      return keyword(leaf, field.name, false);
  }
}

/** Levels are stored under one of ten lowercase names. */
function lowercased(leaf: ValueLeaf): ValueLeaf {
  if (leaf.type === 'term') return { ...leaf, text: normalLevel(leaf.text) ?? leaf.text };
  if (leaf.type !== 'pattern') return leaf;
  return {
    ...leaf,
    parts: leaf.parts.map((part) => ('wild' in part ? part : { literal: part.literal.toLowerCase() })),
  };
}

function keyword(leaf: ValueLeaf, name: string, lower: boolean): Dsl {
  switch (leaf.type) {
    case 'term':
      return { term: { [name]: { value: leaf.text } } };
    case 'pattern':
      return patternQuery(name, leaf.parts, leaf.at);
    case 'regex':
      return regexQuery(name, regexSource(leaf, lower), leaf.at);
    case 'range':
      return { range: { [name]: bounds(leaf, (bound) => bound.value) } };
  }
}

function bounds<T>(leaf: RangeLeaf, value: (bound: Bound, side: 'from' | 'to') => T): Record<string, T> {
  const result: Record<string, T> = {};
  if (leaf.from) result[leaf.from.inclusive ? 'gte' : 'gt'] = value(leaf.from, 'from');
  if (leaf.to) result[leaf.to.inclusive ? 'lte' : 'lt'] = value(leaf.to, 'to');
  return result;
}

function integer(leaf: ValueLeaf, field: KnownField): Dsl {
  const at = leaf.at;
  const number = (text: string): number => {
    const value = numberOf(text);
    if (value === undefined)
      throw queryError(
        at,
        `${field.name} is a number, "${shown(text)}" is not`,
        `write ${field.name}:200, ${field.name}:[200 TO 299] or ${field.name}:>=500`,
      );
    return value;
  };
  const max = field.max ?? Number.MAX_SAFE_INTEGER;
  const exact = (text: string): number => {
    const value = number(text);
    if (Math.abs(value) > max)
      throw queryError(at, `${shown(text)} is out of the range of ${field.name}`, `its values end at ${max}`);
    return value;
  };
  // A bound beyond all values means the same as one just beyond them, which the engines take.
  const edge = (bound: Bound) => Math.max(-max - 1, Math.min(max + 1, number(bound.value)));
  switch (leaf.type) {
    case 'term': {
      const range = digitRange([...leaf.text].map(digitPart), field.digits);
      return range === undefined || !/x/i.test(leaf.text)
        ? { term: { [field.name]: { value: exact(leaf.text) } } }
        : { range: { [field.name]: range } };
    }
    case 'range':
      return { range: { [field.name]: bounds(leaf, edge) } };
    case 'pattern': {
      const range = digitRange(leaf.parts, field.digits);
      if (range !== undefined) return { range: { [field.name]: range } };
    }
  }
  throw queryError(
    at,
    `${field.name} is a number: it takes no wildcards or regexes`,
    `write a range, as in ${field.name}:[500 TO 599]`,
  );
}

/** 5xx is 5??. */
function digitPart(char: string): PatternPart {
  return char === 'x' || char === 'X' ? { wild: '?' } : { literal: char };
}

/** The range of 5*, 50?, 5?? for numbers of a fixed count of digits; undefined for other patterns. */
function digitRange(parts: readonly PatternPart[], digits: number | undefined) {
  if (digits === undefined) return undefined;
  const text = parts.map((part) => ('wild' in part ? part.wild : part.literal)).join('');
  const match = /^(\d*)(\?*)(\*?)$/.exec(text);
  if (match === null) return undefined;
  const [, head = '', single = '', star] = match;
  const open = digits - head.length;
  if (head === '' || single.length > open || (star === '' && single.length !== open)) return undefined;
  return { gte: Number(head.padEnd(digits, '0')), lte: Number(head.padEnd(digits, '9')) };
}

function date(leaf: ValueLeaf, field: KnownField, context: CompileContext): Dsl {
  const span = (text: string) => {
    try {
      return parseTime(text, context.nowMs);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      throw queryError(leaf.at, error.message, error.hint ?? '');
    }
  };
  if (leaf.type === 'term') {
    const { firstNs, lastNs } = span(leaf.text);
    return { range: { [field.name]: { gte: formatNs(firstNs), lte: formatNs(lastNs) } } };
  }
  if (leaf.type === 'range') {
    // What is written to the day means the whole day: after it begins when it ends.
    const edge = (bound: Bound, side: 'from' | 'to') => {
      const { firstNs, lastNs } = span(bound.value);
      return formatNs((side === 'from') === bound.inclusive ? firstNs : lastNs);
    };
    return { range: { [field.name]: bounds(leaf, edge) } };
  }
  throw queryError(
    leaf.at,
    `${field.name} is a time: it takes no wildcards or regexes`,
    `write ${field.name}:2026-11-22 or ${field.name}:[now-1h TO now]`,
  );
}

function address(leaf: ValueLeaf, field: KnownField): Dsl {
  const single = (text: string): string => {
    if (isAddress(text)) return text;
    throw queryError(
      leaf.at,
      `${field.name} is an IP address, "${shown(text)}" is not`,
      `write ${field.name}:10.0.0.1 or ${field.name}:10.0.0.0/8, or use ${field.textField ?? field.name}`,
    );
  };
  switch (leaf.type) {
    case 'term':
      return { term: { [field.name]: { value: isNetwork(leaf.text) ? leaf.text : single(leaf.text) } } };
    case 'range':
      return { range: { [field.name]: bounds(leaf, (bound) => single(bound.value)) } };
    default:
      return keyword(leaf, field.textField ?? field.name, false);
  }
}

/** Without a zone such as %eth0, which engines do not take. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

function isNetwork(text: string): boolean {
  const [ip = '', bits = '', more] = text.split('/');
  const version = isIP(ip);
  return (
    isAddress(ip) &&
    more === undefined &&
    /^\d{1,3}$/.test(bits) &&
    Number(bits) <= (version === 4 ? 32 : 128)
  );
}

function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
