import { isDeepStrictEqual } from 'node:util';

type Schema = Record<string, unknown>;

/**
 * The same schema as generators of clients understand it best: a choice of texts is an `enum`, and what may be null has
 * two types.
 */
export function plainSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plainSchema);
  if (!isSchema(schema)) return schema;
  const { anyOf, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'default' ? value : plainSchema(value)]),
  ) as Schema & { anyOf?: unknown };
  if (Array.isArray(rest.items)) return plainTuple(rest, rest.items);
  if (rest.const !== undefined) {
    const { const: value, ...others } = rest;
    return { ...others, enum: [value] };
  }
  if (!Array.isArray(anyOf)) return rest;
  const choices = anyOf as Schema[];
  const values = choices.map((choice) => choice.enum).filter((one) => Array.isArray(one));
  const [first] = choices;
  if (values.length === choices.length && choices.every(({ type }) => type === first?.type))
    return { ...rest, type: first?.type, enum: values.flat() };
  const [other, ...more] = choices.filter(({ type }) => type !== 'null');
  const nullable = choices.length === 2 && more.length === 0 && typeof other?.type === 'string';
  if (nullable && other.enum === undefined) return { ...other, ...rest, type: [other.type, 'null'] };
  return { ...rest, anyOf: choices };
}

/** So many of a kind; of different kinds, as the JSON Schema of OpenAPI 3.1 has them. */
function plainTuple({ items: _, additionalItems: __, ...rest }: Schema, items: unknown[]): Schema {
  const [first] = items;
  const length = { minItems: items.length, maxItems: items.length };
  const same = items.every((item) => isDeepStrictEqual(item, first));
  return same ? { ...rest, ...length, items: first } : { ...rest, ...length, prefixItems: items };
}

/** What is sent: a member that has a default may be left out. */
export function sentSchema(schema: unknown): unknown {
  const plain = plainSchema(schema);
  if (!isSchema(plain) || !isSchema(plain.properties) || !Array.isArray(plain.required)) return plain;
  const { properties } = plain;
  const { required: _, ...others } = plain;
  const required = plain.required.filter((name: string) => {
    const property = properties[name];
    return !isSchema(property) || property.default === undefined;
  });
  return required.length === 0 ? others : { ...others, required };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
