import { knTerm, kvTerm } from '../document/containers.ts';
import type { Dsl } from '../store/port.ts';
import type { Leaf, RangeLeaf } from './ast.ts';
import { numberOf } from './number.ts';
import { patternQuery, regexQuery, regexSource } from './pattern.ts';
import { escapeRegex } from './regex.ts';

/**
 * A leaf about one of the user's own fields, which live in `kv` as `name=value` and, when they are numbers, in `kn`
 * in an order-preserving form. Values are compared exactly, case included.
 */
export function containerLeaf(leaf: Leaf, name: string): Dsl {
  const prefix = kvTerm(name, '');
  switch (leaf.type) {
    case 'exists':
      return { prefix: { kv: { value: prefix } } };
    case 'term':
      return { term: { kv: { value: kvTerm(name, leaf.text) } } };
    case 'pattern':
      return patternQuery('kv', leaf.parts, leaf.at, prefix);
    case 'regex':
      return regexQuery('kv', `${escapeRegex(prefix)}(${regexSource(leaf, false)})`, leaf.at);
    case 'range':
      return range(leaf, name, prefix);
  }
}

/** By number when both bounds are numbers, else by text, which is right for ISO times. */
function range(leaf: RangeLeaf, name: string, prefix: string): Dsl {
  const from = leaf.from === undefined ? undefined : numberOf(leaf.from.value);
  const to = leaf.to === undefined ? undefined : numberOf(leaf.to.value);
  const byNumber =
    (leaf.from === undefined || from !== undefined) && (leaf.to === undefined || to !== undefined);
  const term = (text: string, number: number | undefined) =>
    byNumber && number !== undefined ? knTerm(name, number) : kvTerm(name, text);
  // All terms of a name lie from "name=" to before "name>": ">" follows "=".
  const bounds: Record<string, string> = {};
  if (leaf.from === undefined) bounds.gte = prefix;
  else bounds[leaf.from.inclusive ? 'gte' : 'gt'] = term(leaf.from.value, from);
  if (leaf.to === undefined) bounds.lt = `${prefix.slice(0, -1)}>`;
  else bounds[leaf.to.inclusive ? 'lte' : 'lt'] = term(leaf.to.value, to);
  return { range: { [byNumber ? 'kn' : 'kv']: bounds } };
}
