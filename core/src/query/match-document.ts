import { type FieldKind, resolveField } from './fields.ts';
import { lowercase, tokenTexts } from './tokenize.ts';

/** A document under test; what is made of its message is made when it is first asked for. */
export interface Matched {
  id: string;
  source: Record<string, unknown>;
  lower: string | undefined;
  tokens: string[] | undefined;
}

/** How a field of the mapping is read from a document: as the terms, numbers or times that an index would hold. */
export interface Values {
  kind: FieldKind;
  read(document: Matched): unknown[];
  /** Whether one of the values passes. */
  some(document: Matched, passes: (value: unknown) => boolean): boolean;
  exists(document: Matched): boolean;
}

/** The mapping's `ignore_above`: longer values are in no index. UTF-16 units. */
const keywordUnitsMax = 8191;

/** Values of a field of the mapping, `kv` and `kn` included. */
export function valuesOf(name: string): Values {
  const kind = kindOf(name);
  const path = name.split('.');
  if (kind === 'message') {
    return {
      kind,
      read: tokensOf,
      some: (document, passes) => tokensOf(document).some(passes),
      exists: ({ source }) => typeof source.message === 'string',
    };
  }
  const indexed = kind === 'integer' ? isInteger : isKeyword;
  const some: Values['some'] = ({ source }, passes) => {
    const value = memberAt(source, path);
    if (!Array.isArray(value)) return indexed(value) && passes(value);
    for (const item of value) if (indexed(item) && passes(item)) return true;
    return false;
  };
  return {
    kind,
    read({ source }) {
      const value = memberAt(source, path);
      return Array.isArray(value) ? value.filter(indexed) : indexed(value) ? [value] : [];
    },
    some,
    exists: (document) => some(document, () => true),
  };
}

/** Whether the message holds a text somewhere: most documents need no tokens to be told apart. */
export function mayHold(document: Matched, text: string): boolean {
  return lowerOf(document).includes(text);
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
  document.tokens ??= tokenTexts(messageOf(document), lowerOf(document));
  return document.tokens;
}

function lowerOf(document: Matched): string {
  document.lower ??= lowercase(messageOf(document));
  return document.lower;
}

function messageOf({ source: { message } }: Matched): string {
  return typeof message === 'string' ? message : '';
}

function memberAt(source: Record<string, unknown>, path: readonly string[]): unknown {
  let value: unknown = source;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function isKeyword(value: unknown): boolean {
  return typeof value === 'string' && value.length <= keywordUnitsMax;
}

function isInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}
