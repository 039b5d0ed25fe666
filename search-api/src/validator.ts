import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';

/**
 * Checks the parts of a request by its route's TypeBox schemas. Defaults are filled in; integers come as text and
 * are converted, from decimal digits only; unknown parameters are refused with the nearest known name.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema }) => {
  const checker = Compile(schema);
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  const known = Object.keys(properties);
  return (value: unknown) => {
    const unknown = Object.keys(value ?? {}).find((name) => !known.includes(name));
    if (unknown !== undefined) return { error: unknownParameter(unknown, known) };
    const converted = Value.Default(schema, { ...(value as object) }) as Record<string, unknown>;
    for (const [name, { type }] of Object.entries(properties)) {
      const text = converted[name];
      if (type === 'integer' && typeof text === 'string' && /^-?\d{1,15}$/.test(text))
        converted[name] = Number(text);
    }
    if (checker.Check(converted)) return { value: converted };
    const first = checker.Errors(converted)[0];
    const name = first?.instancePath.slice(1) ?? '';
    return {
      error: new MillraceError('QUERY_INVALID', `parameter ${name}: ${first?.message ?? 'invalid'}`, {
        hint: 'GET /api/v1/search?q=error&from=now-15m&size=50&sort=desc is a complete example',
      }),
    };
  };
};

function unknownParameter(name: string, known: string[]): MillraceError {
  const near = suggest(name, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
  return new MillraceError('QUERY_INVALID', `unknown parameter "${name.slice(0, 64)}"`, { hint });
}
