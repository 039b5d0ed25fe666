/** A JSON schema as far as our configurations use it. */
interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[] | undefined;
  items?: Schema;
  anyOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

/** A Markdown table of every key of a configuration: path, type, bounds, default. */
export function schemaTable(schema: Schema): string {
  const rows = [...keys(schema, '', true)].map(
    ({ path, type, fallback }) => `| \`${path}\` | ${type} | ${fallback} |`,
  );
  return ['| key | type | default |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

function* keys(
  schema: Schema,
  path: string,
  required: boolean,
): Generator<{ path: string; type: string; fallback: string }> {
  if (schema.properties) {
    for (const [key, child] of Object.entries(schema.properties)) {
      const needed = required && (schema.required?.includes(key) ?? false);
      yield* keys(child, path === '' ? key : `${path}.${key}`, needed);
    }
    return;
  }
  // What the elements of a list have follows the list.
  const elements = schema.type === 'array' ? schema.items : undefined;
  const fallback =
    schema.default === undefined ? (required ? 'required' : '–') : `\`${JSON.stringify(schema.default)}\``;
  yield { path, type: typeText(schema), fallback };
  if (elements?.properties) yield* keys(elements, `${path}[]`, true);
}

function typeText(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  const { type = 'any', minimum, maximum } = schema;
  if (minimum === undefined && maximum === undefined) return type;
  return `${type}, ${minimum ?? ''} to ${maximum ?? ''}`.replace(/ to $/, ' or more');
}
