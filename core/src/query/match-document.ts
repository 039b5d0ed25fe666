import { type FieldKind, resolveField } from './fields.ts';
import { tokenize } from './tokenize.ts';

/** A document under test; its tokens are made when they are first asked for. */
export interface Matched {
  id: string;
  source: Record<string, unknown>;
  tokens: string[] | undefined;
}

/** How a field of the mapping is read from a document: as the terms, numbers or times that an index would hold. */
export interface Values {
  kind: FieldKind;
  read(document: Matched): unknown[];
  exists(document: Matched): boolean;
}

/** The mapping's `ignore_above`: longer values are in no index. UTF-16 units. */
const keywordUnitsMax = 8191;

/** Values of a field of the mapping, `kv` and `kn` included. */
export function valuesOf(name: string): Values {
  const kind = kindOf(name);
  const path = name.split('.');
  if (kind === 'message') {
    return { kind, read: tokensOf, exists: ({ source }) => typeof source.message === 'string' };
  }
  const indexed = kind === 'integer' ? isInteger : isKeyword;
  const read = ({ source }: Matched) => leavesAt(source, path).filter(indexed);
  return { kind, read, exists: (document) => read(document).length > 0 };
}

/** Whether the tokens of `message` hold these in a row. */
export function containsPhrase(document: Matched, phrase: readonly string[]): boolean {
  const tokens = tokensOf(document);
  const [first = ''] = phrase;
  for (let at = tokens.indexOf(first); at >= 0; at = tokens.indexOf(first, at + 1)) {
    if (phrase.every((token, i) => tokens[at + i] === token)) return true;
  }
  return false;
}

function kindOf(name: string): FieldKind {
  if (name === 'kv' || name === 'kn') return 'keyword';
  const target = resolveField(name)[0];
  if (target?.in !== 'known') throw new TypeError(`${name} is no field of the mapping`);
  return target.field.kind;
}

function tokensOf(document: Matched): string[] {
  const { message } = document.source;
  document.tokens ??= typeof message === 'string' ? tokenize(message).map(({ token }) => token) : [];
  return document.tokens;
}

function leavesAt(source: Record<string, unknown>, path: readonly string[]): unknown[] {
  let value: unknown = source;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return [];
    value = (value as Record<string, unknown>)[name];
  }
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function isKeyword(value: unknown): boolean {
  return typeof value === 'string' && value.length <= keywordUnitsMax;
}

function isInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}
