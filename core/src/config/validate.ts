import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { MillraceError } from '../errors.ts';
import { suggest } from './suggest.ts';

/**
 * Checks a value against a component's one schema and fills in its defaults.
 * Unknown keys are refused with the nearest known one; `where` names the file in every message.
 * @throws MillraceError CONFIG_INVALID, listing every problem found (20 at most)
 */
export function validateConfig<S extends TSchema>(schema: S, value: unknown, where: string): Static<S> {
  const filled = Value.Default(schema, Value.Clone(value));
  const problems = [...unknownKeys(schema, filled, '')];
  const checker = Compile(schema);
  if (!checker.Check(filled)) {
    for (const error of checker.Errors(filled)) {
      // Said better by unknownKeys; a closed schema shows each unknown key as one that no schema allows.
      if (error.keyword === 'additionalProperties' || error.keyword === 'boolean') continue;
      const path = error.instancePath === '' ? '/' : error.instancePath;
      problems.push(`${path}: ${error.message}`);
    }
  }
  if (problems.length > 0) {
    throw new MillraceError('CONFIG_INVALID', `${where}: ${[...new Set(problems)].slice(0, 20).join('; ')}`, {
      hint: 'correct the named keys; docs/config lists every key with its type and default',
    });
  }
  return filled as Static<S>;
}

interface ObjectSchema {
  properties?: Record<string, ObjectSchema>;
  items?: ObjectSchema;
  additionalProperties?: unknown;
}

function* unknownKeys(schema: ObjectSchema, value: unknown, path: string): Generator<string> {
  if (Array.isArray(value)) {
    if (schema.items)
      for (const [i, item] of value.entries()) yield* unknownKeys(schema.items, item, `${path}/${i}`);
    return;
  }
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return;
  for (const [key, item] of Object.entries(value)) {
    const child = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (child) {
      yield* unknownKeys(child, item, `${path}/${key}`);
    } else if (schema.additionalProperties === undefined || schema.additionalProperties === false) {
      const near = suggest(key, Object.keys(schema.properties));
      yield `${path}/${key}: unknown key${near ? `, did you mean "${near}"?` : ''}`;
    }
  }
}
