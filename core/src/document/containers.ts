import type { Fields, FieldValue } from '../parse/parsed.ts';
import { isPlain, quoted } from './json-text.ts';

/** Leaves of one document in `kv`; more stay in `fields` only. */
export const leavesMax = 2048;
/** UTF-16 units of a value in `kv`; the rest is cut, and the same cut is made of what is searched for. */
export const valueUnitsMax = 256;
/** UTF-16 units of a name, dots included; longer ones stay in `fields` only. */
export const nameUnitsMax = 256;

/**
 * The term in `kv` for a field's value. The first "=" parts name and value: in names "=" is written %3D and "%" %25.
 * A value is its text (numbers as JavaScript writes them), cut to `valueUnitsMax` without splitting a character.
 */
export function kvTerm(name: string, value: string): string {
  return `${termName(name)}=${cutText(value, valueUnitsMax).toWellFormed()}`;
}

/** The term in `kn` for a number; terms of one name sort as their numbers do. */
export function knTerm(name: string, value: number): string {
  return `${termName(name)}=${encodeNumber(value)}`;
}

const scratch = new DataView(new ArrayBuffer(8));

/** 16 hexadecimal digits of a finite number that sort as the numbers do; -0 is 0. */
export function encodeNumber(value: number): string {
  scratch.setFloat64(0, value + 0);
  const high = scratch.getUint32(0);
  const low = scratch.getUint32(4);
  // Negative numbers sort backwards by magnitude: all bits are turned; the others go above them by the sign bit.
  return high >>> 31 === 1 ? hex(~high) + hex(~low) : hex(high ^ 0x8000_0000) + hex(low);
}

/** What a document's fields become, as text of JSON members. */
export interface Leaves {
  /** Members of `fields`. */
  json: string;
  /** Elements of `kv`. */
  kv: string;
  /** Elements of `kn`. */
  kn: string;
  /** Leaves seen, those left out of the containers included. */
  count: number;
  /** Leaves that are in `fields` but not in the containers, because of a limit. */
  leftOut: number;
}

export function emptyLeaves(): Leaves {
  return { json: '', kv: '', kn: '', count: 0, leftOut: 0 };
}

/** Sees each leaf as it is written; `name` is the dotted path. */
interface LeafVisitor {
  see(name: string, value: string | number | bigint | boolean): void;
}

/**
 * Writes fields and their leaves after what `leaves` holds. Nested names are joined by "."; the elements of an array
 * have the array's name; null has no leaf. Names in `skip` are left out at the top level.
 */
export function writeLeaves(
  fields: Fields,
  leaves: Leaves,
  visitor: LeafVisitor,
  skip?: (name: string) => boolean,
): void {
  for (const name of Object.keys(fields)) {
    if (skip?.(name)) continue;
    const value = fields[name];
    if (value === undefined) continue;
    if (leaves.json !== '') leaves.json += ',';
    leaves.json += headsOf(name).json;
    writeValue(name, value, leaves, visitor);
  }
}

/** Depth is bounded by the parsers. */
function writeValue(name: string, value: FieldValue, leaves: Leaves, visitor: LeafVisitor): void {
  if (typeof value !== 'object' || value === null) {
    writeLeaf(name, value, leaves, visitor);
    return;
  }
  let comma = '';
  if (Array.isArray(value)) {
    leaves.json += '[';
    for (const item of value) {
      leaves.json += comma;
      comma = ',';
      writeValue(name, item, leaves, visitor);
    }
    leaves.json += ']';
    return;
  }
  leaves.json += '{';
  for (const key of Object.keys(value)) {
    leaves.json += comma + headsOf(key).json;
    comma = ',';
    writeValue(`${name}.${key}`, value[key], leaves, visitor);
  }
  leaves.json += '}';
}

function writeLeaf(
  name: string,
  value: Exclude<FieldValue, object>,
  leaves: Leaves,
  visitor: LeafVisitor,
): void {
  if (value === null || value === undefined) {
    leaves.json += 'null';
    return;
  }
  leaves.count++;
  visitor.see(name, value);
  const contained = leaves.count <= leavesMax && name.length <= nameUnitsMax;
  if (!contained) leaves.leftOut++;
  if (typeof value === 'string') writeText(name, value, contained, leaves);
  else writePlain(name, value, contained, leaves);
}

function writeText(name: string, value: string, contained: boolean, leaves: Leaves): void {
  const plain = isPlain(value);
  leaves.json += plain ? `"${value}"` : quoted(value);
  if (!contained) return;
  const comma = leaves.kv === '' ? '' : ',';
  leaves.kv +=
    plain && value.length <= valueUnitsMax
      ? `${comma}${headsOf(name).term}${value}"`
      : comma + quoted(kvTerm(name, value));
}

function writePlain(
  name: string,
  value: number | bigint | boolean,
  contained: boolean,
  leaves: Leaves,
): void {
  const text = String(value);
  const number = typeof value === 'boolean' ? Number.NaN : Number(value);
  // JSON has no infinity, but 1e999 is JSON: it is kept as text.
  leaves.json += Math.abs(number) === Number.POSITIVE_INFINITY ? `"${text}"` : text;
  if (!contained) return;
  const head = headsOf(name).term;
  leaves.kv += `${leaves.kv === '' ? '' : ','}${head}${text}"`;
  if (Number.isFinite(number)) leaves.kn += `${leaves.kn === '' ? '' : ','}${head}${encodeNumber(number)}"`;
}

/** What a name begins with in JSON: as a member, and as an element of a container. */
interface Heads {
  json: string;
  term: string;
}

const heads = new Map<string, Heads>();
const headsMax = 4096;
const headUnitsMax = 64;

/** Names come again with every record: their JSON is kept, within a bound. */
function headsOf(name: string): Heads {
  const known = heads.get(name);
  if (known !== undefined) return known;
  const made = { json: `${quoted(name)}:`, term: quoted(`${termName(name)}=`).slice(0, -1) };
  if (name.length <= headUnitsMax) {
    if (heads.size >= headsMax) heads.clear();
    heads.set(name, made);
  }
  return made;
}

/** At most `units` UTF-16 units, a surrogate pair whole or not at all. */
export function cutText(text: string, units: number): string {
  if (text.length <= units) return text;
  const last = text.charCodeAt(units - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? units - 1 : units);
}

function termName(name: string): string {
  const escaped = /[=%]/.test(name) ? name.replaceAll('%', '%25').replaceAll('=', '%3D') : name;
  return escaped.isWellFormed() ? escaped : escaped.toWellFormed();
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex(word: number): string {
  const high = `${hexBytes[word >>> 24]}${hexBytes[(word >>> 16) & 255]}`;
  return `${high}${hexBytes[(word >>> 8) & 255]}${hexBytes[word & 255]}`;
}
