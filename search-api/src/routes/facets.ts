import { Type } from '@fastify/type-provider-typebox';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { knownNames } from '@millrace/core/query/fields.ts';
import { assertFieldAllowed, fieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { type CountedField, countedField } from '../count/counted-field.ts';
import { newestDocuments, ownFields } from '../count/own-fields.ts';
import { archiveShortfall, cutShortfall, PartialSchema } from '../count/shortfalls.ts';
import { assertValuesMax, valueCounts, valueParts } from '../count/value-counts.ts';
import { ErrorSchema } from '../failure.ts';
import { type Plan, plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

/** What is counted when nothing is named. */
const usual = ['log.level', 'tag', 'host.name', 'service.name', 'http.response.status_code'];

const schema = {
  summary: 'The values that most events have, by field',
  querystring: Type.Object(
    {
      ...whatParameters,
      fields: Type.Optional(
        Type.String({ minLength: 1, maxLength: 4096, description: 'Names, parted by commas' }),
      ),
      size: Type.Integer({ default: 10, minimum: 1, maximum: 500, description: 'Values of each field' }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number(),
      total: Type.Integer({ description: 'Events that match' }),
      facets: Type.Array(
        Type.Object({
          field: Type.String(),
          values: Type.Array(
            Type.Object({ value: Type.Union([Type.String(), Type.Number()]), count: Type.Integer() }),
          ),
          other: Type.Integer({ description: 'Events with values that are not named' }),
          missing: Type.Integer({ description: 'Events without the field' }),
          distinct: Type.Integer(),
          rough: Type.Optional(
            Type.Boolean({ description: 'Values and their number are about right, not exact' }),
          ),
          hint: Type.Optional(Type.String({ description: 'A name that may have been meant' })),
        }),
      ),
      partial: PartialSchema,
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/facets`: the values that events have most often, field by field. */
export function facetsRoute(api: Api, { store, horizons, clock, config }: Context): void {
  const { limits } = config;
  api.get('/api/v1/facets', { schema, config: { scope: 'search', costly: true } }, async (request) => {
    const { fields: text, size, ...what } = request.query;
    const { access, signal } = request;
    const fields = text === undefined ? usual.filter((name) => fieldAllowed(access, name)) : namesIn(text);
    if (fields.length > limits.facet_fields_max)
      throw new MillraceError(
        'QUERY_INVALID',
        `parameter fields: more than ${limits.facet_fields_max} names`,
        {
          hint: 'ask for some, then for others',
        },
      );
    for (const name of fields) assertFieldAllowed(access, name);
    const counted = fields.map(countedField);
    assertValuesMax(size, limits.facet_values_max);
    const planned = plan(what, clock.now(), access);
    const parts = Object.assign({}, ...counted.map((field, i) => valueParts(`f${i}`, field, size)));
    const [answer, shortfalls] = await Promise.all([
      store.aggregate({ ...asked(planned), parts, timeMsMax: limits.query_ms_max }, signal),
      archiveShortfall(horizons, what, planned, access),
    ]);
    const counts = counted.map((field, i) => ({ field, ...valueCounts(answer, `f${i}`, field, size) }));
    const unknown = answer.total > 0 && counts.some(({ count, field }) => count === 0 && !isKnown(field));
    const near = unknown
      ? ownFields((await newestDocuments(store, planned, limits, signal)).documents, limits.fields_max)
      : [];
    const names = [...knownNames, ...near.map(({ name }) => name)].filter((name) =>
      fieldAllowed(access, name),
    );
    return {
      took_ms: answer.tookMs,
      total: answer.total,
      facets: counts.map(({ field, count, values, other, distinct, rough }) => ({
        field: field.name,
        values,
        other,
        missing: Math.max(0, answer.total - count),
        distinct,
        ...(rough ? { rough } : {}),
        ...(count === 0 && answer.total > 0 ? hintFor(field, names) : {}),
      })),
      partial: [...(answer.cut ? [cutShortfall] : []), ...shortfalls],
    };
  });
}

function namesIn(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes(''))
    throw new MillraceError('QUERY_INVALID', 'parameter fields: a name is missing', {
      hint: 'write names with one comma between them, as in level,host',
    });
  return [...new Set(names)];
}

function asked({ indices, query }: Plan) {
  return { indices, query };
}

function isKnown({ places }: CountedField): boolean {
  return places.some(({ kind }) => kind !== 'own');
}

/** Names of the record's own fields are free, so none is wrong; but some are rather another's. */
function hintFor(field: CountedField, names: readonly string[]): { hint?: string } {
  if (isKnown(field)) return {};
  const near = suggest(field.name, names);
  return near === undefined || near === field.name
    ? {}
    : { hint: `no event has ${field.name}; did you mean ${near}?` };
}
