import { Type } from '@fastify/type-provider-typebox';
import type { Aggregations } from '@millrace/core/store/aggregation.ts';
import { assertFieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { type CountedField, countedField } from '../count/counted-field.ts';
import { valuesAt } from '../count/own-fields.ts';
import { quantiles } from '../count/quantiles.ts';
import { type SampleEnd, sample } from '../count/sample.ts';
import { archiveShortfall, cutShortfall, PartialSchema } from '../count/shortfalls.ts';
import { valueCounts, valueParts } from '../count/value-counts.ts';
import { ErrorSchema } from '../failure.ts';
import { type Plan, plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const figure = Type.Optional(Type.Union([Type.Number(), Type.String()]));

const schema = {
  summary: 'What the values of a field are like',
  querystring: Type.Object(
    { ...whatParameters, field: Type.String({ minLength: 1, maxLength: 256 }) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number(),
      field: Type.String(),
      kind: Type.String({ description: 'Of the mapping; own: one of the records own fields' }),
      count: Type.Integer({ description: 'Events that have it' }),
      missing: Type.Integer(),
      distinct: Type.Integer(),
      /** Figures of numbers, and the first and last of times. */
      min: figure,
      max: figure,
      avg: Type.Optional(Type.Number()),
      p50: Type.Optional(Type.Number()),
      p95: Type.Optional(Type.Number()),
      values: Type.Array(
        Type.Object({ value: Type.Union([Type.String(), Type.Number()]), count: Type.Integer() }),
      ),
      sampled: Type.Integer({
        description:
          'Events looked at for p50 and p95, and for own fields for min, max and avg too; 0: nothing is estimated',
      }),
      partial: PartialSchema,
    }),
    default: ErrorSchema,
  },
};

const valuesShown = 10;

/** `GET /api/v1/fields/stats`: how many events have a field, its values, and figures of numbers. */
export function fieldStatsRoute(api: Api, context: Context): void {
  const { store, horizons, clock, config } = context;
  api.get('/api/v1/fields/stats', { schema, config: { scope: 'search', costly: true } }, async (request) => {
    const { field: name, ...what } = request.query;
    const { access, signal } = request;
    assertFieldAllowed(access, name);
    const field = countedField(name);
    const nowMs = clock.now();
    const planned = plan(what, nowMs, access);
    const { indices, query } = planned;
    const parts = { ...valueParts('f', field, valuesShown), ...figureParts(field) };
    const [answer, shortfalls] = await Promise.all([
      store.aggregate({ indices, query, parts, timeMsMax: config.limits.query_ms_max }, signal),
      archiveShortfall(horizons, what, planned, access),
    ]);
    const { count, values, distinct } = valueCounts(answer, 'f', field, valuesShown);
    const seen = count === 0 ? noNumbers : await sampledNumbers(context, field, planned, nowMs, signal);
    // Those of the mapping are all figures only where no event has the field in its other place.
    const isAll = answer.parts['f-0']?.count === count;
    const exact = isAll ? answer.parts.numbers?.numbers : undefined;
    return {
      took_ms: answer.tookMs,
      field: name,
      kind: field.places[0]?.kind ?? 'own',
      count,
      missing: Math.max(0, answer.total - count),
      distinct,
      ...seen.figures,
      ...(exact === undefined ? {} : exactFigures(field, exact)),
      // Of times, the first and last say more than any.
      values: field.places[0]?.kind === 'date' ? [] : values,
      sampled: seen.looked,
      partial: [...(answer.cut ? [cutShortfall] : []), ...seen.partial, ...shortfalls],
    };
  });
}

/** The engine knows the figures of a number or time with a mapping. */
function figureParts({ places }: CountedField): Aggregations {
  const [first] = places;
  if (first?.kind !== 'integer' && first?.kind !== 'date') return {};
  return { numbers: { type: 'numbers', field: first.path } };
}

function exactFigures(
  { places }: CountedField,
  { min, max, avg }: { min?: number; max?: number; avg?: number },
) {
  if (min === undefined || max === undefined) return {};
  if (places[0]?.kind === 'date')
    return { min: new Date(min).toISOString(), max: new Date(max).toISOString() };
  return { min, max, ...(avg === undefined ? {} : { avg }) };
}

interface SampledNumbers extends Pick<SampleEnd, 'looked' | 'partial'> {
  figures: Partial<Record<'min' | 'max' | 'avg' | 'p50' | 'p95', number>>;
}

const noNumbers: SampledNumbers = { looked: 0, partial: [], figures: {} };

/** Quantiles, and for the record's own fields all figures, of the numbers in a sample. */
async function sampledNumbers(
  { store, clock, config }: Context,
  { places }: CountedField,
  planned: Plan,
  nowMs: number,
  signal: AbortSignal,
): Promise<SampledNumbers> {
  const paths = places
    .filter(({ kind }) => kind === 'integer' || kind === 'own')
    .map(({ kind, path }) => (kind === 'own' ? `fields.${path}` : path));
  if (paths.length === 0) return noNumbers;
  // Events that lack the field would take the places of those that have it.
  const having = { bool: { should: places.map(({ within }) => within), minimum_should_match: 1 } };
  const { stats_sample_max: max, query_ms_max: msMax } = config.limits;
  const pages = sample(
    { ...planned, query: { bool: { filter: [planned.query, having] } } },
    nowMs,
    { store, clock, max, fields: paths, msMax },
    signal,
  );
  const numbers: { value: number; weight: number }[] = [];
  for (;;) {
    const next = await pages.next();
    if (next.done) {
      const { looked, partial } = next.value;
      return numbers.length === 0 ? noNumbers : { looked, partial, figures: quantiles(numbers) };
    }
    const { hits, weight } = next.value;
    for (const { source } of hits) {
      const found = paths.map((path) => valuesAt(source, path)).find((values) => values.length > 0) ?? [];
      for (const value of found)
        if (typeof value === 'number' || typeof value === 'bigint')
          numbers.push({ value: Number(value), weight });
    }
  }
}
