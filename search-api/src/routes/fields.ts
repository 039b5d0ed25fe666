import { Type } from '@fastify/type-provider-typebox';
import { type FieldKind, knownFields, resolveField } from '@millrace/core/query/fields.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { assertFieldAllowed, fieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { countedField } from '../count/counted-field.ts';
import { leafNames, newestDocuments, ownFields } from '../count/own-fields.ts';
import { archiveShortfall, cutShortfall, PartialSchema } from '../count/shortfalls.ts';
import { assertValuesMax, valueCounts, valueParts } from '../count/value-counts.ts';
import { ErrorSchema } from '../failure.ts';
import type { Shortfall } from '../find/finder.ts';
import { plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const ValuesSchema = Type.Array(
  Type.Object({ value: Type.Union([Type.String(), Type.Number()]), count: Type.Integer() }),
);
const fieldParameter = Type.String({ minLength: 1, maxLength: 256 });

const listSchema = {
  summary: 'Fields that events have',
  querystring: Type.Object(whatParameters, { additionalProperties: false }),
  response: {
    200: Type.Object({
      fields: Type.Array(
        Type.Object({
          name: Type.String({ description: 'As queries and facets take it' }),
          kind: Type.String({
            description:
              'keyword, level, integer, date, ip, message or id where it has a mapping; text, number, boolean or mixed',
          }),
          share: Type.Number({ description: 'Part of the events looked at that have it, 0 to 1' }),
          aggregatable: Type.Boolean(),
        }),
      ),
      sampled: Type.Integer({ description: 'Events looked at, the newest' }),
      partial: PartialSchema,
    }),
    default: ErrorSchema,
  },
};

const valuesSchema = {
  summary: 'Values of a field, by prefix',
  querystring: Type.Object(
    {
      ...whatParameters,
      field: fieldParameter,
      prefix: Type.String({ default: '', maxLength: 256 }),
      size: Type.Integer({ default: 10, minimum: 1, maximum: 500 }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ took_ms: Type.Number(), values: ValuesSchema, partial: PartialSchema }),
    default: ErrorSchema,
  },
};

/** Values looked through for a prefix where the index cannot do it: numbers and addresses. */
const lookedThroughMax = 1_000;
const lookedThroughShortfall: Shortfall = {
  code: 'buckets',
  message: `the ${lookedThroughMax} most frequent values were looked through: others may begin so too`,
};

/** `GET /api/v1/fields`: names that queries may use; `GET /api/v1/fields/values`: values that complete what is typed. */
export function fieldsRoutes(api: Api, { store, horizons, clock, config }: Context): void {
  const { limits } = config;
  const costly = { scope: 'search', costly: true } as const;

  api.get('/api/v1/fields', { schema: listSchema, config: costly }, async (request) => {
    const { access, signal } = request;
    const planned = plan(request.query, clock.now(), access);
    const { documents, cut } = await newestDocuments(store, planned, limits, signal);
    const fields = [...mapped(documents), ...own(documents, limits.fields_max)];
    return {
      fields: fields.filter(({ name }) => fieldAllowed(access, name)).slice(0, limits.fields_max),
      sampled: documents.length,
      partial: [
        ...(cut ? [cutShortfall] : []),
        ...(await archiveShortfall(horizons, request.query, planned, access)),
      ],
    };
  });

  api.get('/api/v1/fields/values', { schema: valuesSchema, config: costly }, async (request) => {
    const { field: name, prefix, size, ...what } = request.query;
    const { access, signal } = request;
    assertFieldAllowed(access, name);
    const field = countedField(name);
    const planned = plan(what, clock.now(), access);
    assertValuesMax(size, limits.facet_values_max);
    const isText = field.places.every(({ kind }) => ['own', 'keyword', 'level'].includes(kind));
    const parts = valueParts('f', field, prefix === '' || isText ? size : lookedThroughMax, prefix);
    const { indices, query } = planned;
    const [answer, shortfalls] = await Promise.all([
      store.aggregate({ indices, query, parts, timeMsMax: limits.query_ms_max }, signal),
      archiveShortfall(horizons, what, planned, access),
    ]);
    const { values } = valueCounts(answer, 'f', field, size, prefix);
    const unseen = Object.values(answer.parts).some(({ parts: found }) => (found?.values?.other ?? 0) > 0);
    const isPart = prefix !== '' && !isText && unseen;
    return {
      took_ms: answer.tookMs,
      values,
      partial: [
        ...(answer.cut ? [cutShortfall] : []),
        ...(isPart ? [lookedThroughShortfall] : []),
        ...shortfalls,
      ],
    };
  });
}

interface ListedField {
  name: string;
  kind: string;
  share: number;
  aggregatable: boolean;
}

/** Fields with a mapping are listed whether events have them or not: queries may name them. */
function mapped(documents: readonly SearchHit[]): ListedField[] {
  const names = documents.map(({ source }) => leafNames(source));
  const shareOf = (name: string) => names.filter((has) => has.has(name)).length / Math.max(1, names.length);
  return knownFields.map(({ name, kind }) => ({
    name,
    kind,
    share: kind === 'id' ? 1 : rounded(shareOf(name)),
    aggregatable: isAggregatable(kind),
  }));
}

function own(documents: readonly SearchHit[], max: number): ListedField[] {
  return ownFields(documents, max).map(({ name, kind, count }) => ({
    name: nameOf(name),
    kind,
    share: rounded(count / documents.length),
    aggregatable: true,
  }));
}

/** A name that would mean another field, or more than this one, is written as results show it. */
function nameOf(name: string): string {
  const [only, ...more] = resolveField(name);
  const isOwn = only?.in === 'containers' && only.name === name && more.length === 0;
  return isOwn ? name : `fields.${name}`;
}

function isAggregatable(kind: FieldKind): boolean {
  return kind !== 'message' && kind !== 'id';
}

function rounded(share: number): number {
  return Math.round(share * 1e4) / 1e4;
}
