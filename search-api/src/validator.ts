import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { failure, Refused } from './failure.ts';

/**
 * Checks the parts of a request by its route's TypeBox schemas. Defaults are filled in; integers and booleans of
 * addresses come as text and are converted, from decimal digits, true and false only; unknown parameters are refused with the nearest known name.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checker = Compile(schema);
  const { properties = {}, additionalProperties } = schema as {
    properties?: Record<string, { type?: string }>;
    additionalProperties?: unknown;
  };
  const known = Object.keys(properties);
  const isObject = (schema as { type?: string }).type === 'object';
  const isText = httpPart !== 'body';
  return (value: unknown) => {
    if (!isObject) return checker.Check(value) ? { value } : { error: otherBody };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { error: noObject };
    const isOpen = additionalProperties === true;
    const unknown = isOpen ? undefined : Object.keys(value).find((name) => !known.includes(name));
    if (unknown !== undefined) return { error: unknownParameter(unknown, known) };
    const converted = Value.Default(schema, { ...value }) as Record<string, unknown>;
    for (const [name, { type }] of isText ? Object.entries(properties) : []) {
      const text = converted[name];
      if (type === 'integer' && typeof text === 'string' && /^-?\d{1,15}$/.test(text))
        converted[name] = Number(text);
      if (type === 'boolean' && (text === 'true' || text === 'false')) converted[name] = text === 'true';
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

const otherBody = new Refused(
  failure(
    415,
    'query_refused',
    'REQUEST_INVALID',
    'the body is not of the type that this address takes',
    'GET /docs says which content-type it has',
  ),
);

const noObject = new MillraceError('QUERY_INVALID', 'the body is no JSON object', {
  hint: 'send an object, with content-type: application/json',
});

function unknownParameter(name: string, known: string[]): MillraceError {
  const near = suggest(name, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
  return new MillraceError('QUERY_INVALID', `unknown parameter "${name.slice(0, 64)}"`, { hint });
}
