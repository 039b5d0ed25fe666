import { containerTerms } from '../../document/container-terms.ts';
import { kvTerm } from '../../document/containers.ts';
import { canonicalAddress } from '../address.ts';
import { type KnownField, resolveField, type Target } from '../fields.ts';
import { type Values, valuesOf } from '../match-document.ts';

/** A document that pipes read: as rendered, or as the store returns it, without its containers. */
export interface PipedDocument {
  id: string;
  source: Record<string, unknown>;
}

/** Each value of a field once, as text; none when the document has no such field. */
export type ReadValues = (document: PipedDocument) => readonly string[];

/**
 * The values of a field by the name that somebody typed. Where a name stands for several places, the first that has
 * values counts: a `level` that Millrace took over is not counted again as the user's own field.
 */
export function valuesReader(name: string): ReadValues {
  const readers = resolveField(name).map(placeReader);
  const [only] = readers;
  if (readers.length === 1 && only !== undefined) return only;
  return (document) => {
    for (const read of readers) {
      const values = read(document);
      if (values.length > 0) return values;
    }
    return [];
  };
}

function placeReader(target: Target): ReadValues {
  return target.in === 'containers' ? ownReader(target.name) : knownReader(target.field);
}

function knownReader(field: KnownField): ReadValues {
  if (field.kind === 'id') return ({ id }) => [id];
  if (field.kind === 'message')
    return ({ source }) => (typeof source.message === 'string' ? [source.message] : []);
  const values = valuesOf(field.name);
  const text = field.kind === 'ip' ? (value: unknown) => canonicalAddress(String(value)) : String;
  return ({ id, source }) => distinct(read(values, id, source).map(text));
}

function read(values: Values, id: string, source: Record<string, unknown>): unknown[] {
  return values.read({ id, source, lower: undefined, tokens: undefined });
}

function ownReader(name: string): ReadValues {
  const prefix = kvTerm(name, '');
  return ({ source }) =>
    distinct(
      termsOf(source)
        .filter((term) => term.startsWith(prefix))
        .map((term) => term.slice(prefix.length)),
    );
}

/** By document, as one is read for several fields. */
const terms = new WeakMap<object, string[]>();

function termsOf(source: Record<string, unknown>): string[] {
  if (Array.isArray(source.kv)) return source.kv as string[];
  const known = terms.get(source);
  if (known !== undefined) return known;
  const made = containerTerms(source.fields);
  terms.set(source, made);
  return made;
}

function distinct(values: (string | undefined)[]): string[] {
  const present = values.filter((value) => value !== undefined);
  return present.length < 2 ? present : [...new Set(present)];
}
