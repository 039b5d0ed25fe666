import { kvTerm, nameUnitsMax } from '@millrace/core/document/containers.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { type FieldKind, resolveField, type Target } from '@millrace/core/query/fields.ts';
import type { Dsl } from '@millrace/core/store/port.ts';

/** A field whose values can be counted, by the name that somebody typed. */
export interface CountedField {
  name: string;
  /** Where its values may be. Of an event, those in the first place that it has are counted. */
  places: Place[];
}

export interface Place {
  /** Kind of the mapping; own: one of the record's own fields. */
  kind: FieldKind | 'own';
  /** Dotted name in the mapping or, for own ones, below `fields`. */
  path: string;
  /** As `values` and `distinct` of the store take it. */
  terms: { field: string; prefix?: string };
  /** Events whose values here count. */
  within: Dsl;
  /** Events with this value here. */
  having(value: string | number): Dsl;
}

/** @throws MillraceError QUERY_INVALID: its values cannot be counted */
export function countedField(name: string): CountedField {
  if (name.length > nameUnitsMax)
    throw new MillraceError('QUERY_INVALID', 'the name of the field is too long', {
      hint: `names of up to ${nameUnitsMax} characters can be searched and counted`,
    });
  const places: Place[] = [];
  const before: Dsl[] = [];
  for (const target of resolveField(name)) {
    const { kind, path, terms } = placeOf(target);
    if (kind === 'message' || kind === 'id')
      throw new MillraceError('QUERY_INVALID', `the values of ${name} cannot be counted`, {
        hint:
          kind === 'id'
            ? 'each event has its own'
            : 'GET /api/v1/patterns tells what messages have in common',
      });
    const has = existence(target);
    const within = { bool: { filter: [has], ...(before.length === 0 ? {} : { must_not: [...before] }) } };
    before.push(has);
    const having = (value: string | number): Dsl => ({
      bool: {
        filter: [{ term: { [terms.field]: { value: termOf(target, value) } } }],
        ...(within.bool.must_not === undefined ? {} : { must_not: within.bool.must_not }),
      },
    });
    places.push({ kind, path, terms, within, having });
  }
  return { name, places };
}

function placeOf(target: Target): Pick<Place, 'kind' | 'path' | 'terms'> {
  if (target.in === 'known')
    return { kind: target.field.kind, path: target.field.name, terms: { field: target.field.name } };
  return { kind: 'own', path: target.name, terms: { field: 'kv', prefix: kvTerm(target.name, '') } };
}

function existence(target: Target): Dsl {
  return target.in === 'known'
    ? { exists: { field: target.field.name } }
    : { prefix: { kv: { value: kvTerm(target.name, '') } } };
}

function termOf(target: Target, value: string | number): string | number {
  return target.in === 'known' ? value : kvTerm(target.name, String(value));
}
