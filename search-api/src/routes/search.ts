import { Type } from '@fastify/type-provider-typebox';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { type FieldHint, fieldHints } from '@millrace/core/query/field-hints.ts';
import { fieldsNamed, fieldsPiped } from '@millrace/core/query/names.ts';
import { parseSearch, type Search } from '@millrace/core/query/parser.ts';
import { shapeOf } from '@millrace/core/query/pipes/shape.ts';
import type { Access } from '../access/access.ts';
import { fieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { unreachedShortfall } from '../count/shortfalls.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { ErrorSchema } from '../failure.ts';
import { ShortfallSchema } from '../find/shortfall.ts';
import { allowedSource, sourceParameter } from '../find/source.ts';
import { HitSchema, hitOf } from '../hit.ts';
import { type HitFields, wantedFields } from '../hit-fields.ts';
import { answerPipes, isPiped, type PipesAnswer, pipedRow } from '../pipes/answer.ts';
import { TableSchema } from '../pipes/table-schema.ts';
import { plan, whatParameters } from '../plan.ts';
import { archivePage } from '../search/archive-page.ts';
import { type Page, type PageEnd, type PageRequest, readPage } from '../search/page.ts';
import { Points } from '../search/points.ts';
import type { Api } from '../server.ts';

const HintsSchema = Type.Array(
  Type.Object({
    name: Type.String(),
    suggestion: Type.String(),
    at: Type.Object({ start: Type.Integer(), end: Type.Integer() }),
  }),
  { description: 'When nothing was found: fields that may have been meant' },
);

const schema = {
  summary: 'Events in order of time, or the table that pipes make',
  querystring: Type.Object(
    {
      ...whatParameters,
      size: Type.Integer({ default: 50, minimum: 0, maximum: 9_999, description: 'Hits of a page' }),
      sort: Type.Union([Type.Literal('desc'), Type.Literal('asc')], { default: 'desc' }),
      cursor: Type.Optional(
        Type.String({ maxLength: 16_384, description: 'next_cursor or prev_cursor of a page' }),
      ),
      fields: Type.Optional(
        Type.String({
          maxLength: 8_192,
          description: 'Names of fields that hits are to have: host,message,fields.user.id; absent: all',
        }),
      ),
      highlight: Type.Boolean({ default: true, description: 'Say where message matches' }),
      source: sourceParameter,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number({ description: 'Time in the store' }),
      total: Type.Object({
        value: Type.Integer(),
        relation: Type.Union([Type.Literal('eq'), Type.Literal('gte')]),
      }),
      hits: Type.Array(HitSchema),
      next_cursor: Type.Union([Type.String(), Type.Null()]),
      prev_cursor: Type.Union([Type.String(), Type.Null()]),
      partial: Type.Array(ShortfallSchema),
      table: Type.Optional(TableSchema),
      hints: Type.Optional(HintsSchema),
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/search`: hits in order of (@timestamp, file, offset), page after page by cursors, both ways. */
export function searchRoute(api: Api, context: Context): void {
  const { store, finder, beside, clock, unmarked } = context;
  const { limits } = context.config;
  const points = new Points({ store, clock, max: limits.points_max, keepMs: limits.point_keep_ms });
  api.addHook('onClose', () => points.close());

  api.get('/api/v1/search', { schema, config: { scope: 'search', costly: true } }, async (request) => {
    const { size, sort: order, cursor: text, fields, highlight, source: asked, ...what } = request.query;
    if (size > limits.rows_max) throw tooManyRows(limits.rows_max);
    const { access } = request;
    const search = parseSearch(what.q);
    const shape = shapeOf(search.pipes, order);
    const { order: sort } = shape;
    const cursor = text === undefined ? undefined : decodeCursor(text, what, sort);
    const nowMs = cursor?.nowMs ?? clock.now();
    const planned = plan(what, nowMs, access, search);
    const wanted = wantedFields(fields, shape, access);
    const source = allowedSource(asked, access);
    const knowsArchive = unmarked !== undefined;
    const besideStore = source === 'auto' ? await beside(planned) : undefined;
    const unreached = await unreachedShortfall(context, asked, what, planned, access);
    if (isPiped(shape)) {
      const question = { plan: planned, shape, access, nowMs, source, besideStore };
      const piped = await answerPipes(context, question, request.signal);
      return {
        ...pipedPage({ ...piped, partial: [...piped.partial, ...unreached] }, wanted),
        ...hintsOf(search, piped.table?.rows.length === 0 ? 0 : piped.seen, access),
      };
    }
    const inStore = source === 'hot' || (source === 'auto' && besideStore === undefined);
    const page = await pageOf(
      { store, points, finder, source, clock, inStore, knowsArchive },
      {
        plan: planned,
        size,
        order: sort,
        cursor,
        highlight: highlight && what.q !== '' && (wanted?.marks ?? true),
        fields: wanted?.source,
        timeMsMax: limits.query_ms_max,
        totalMax: limits.total_max,
      },
      request.signal,
    );
    const { total, point } = page;
    const cursorAt = (end: PageEnd | undefined) =>
      end === undefined
        ? null
        : encodeCursor({ nowMs, order: sort, ...end, total, point: point?.token }, what);
    return {
      took_ms: page.tookMs,
      total,
      hits: page.hits.map((found) => {
        const hit = hitOf(found, access);
        return wanted === undefined ? hit : wanted.of(hit);
      }),
      next_cursor: cursorAt(page.next),
      prev_cursor: cursorAt(page.previous),
      partial: [...page.partial, ...unreached],
      ...hintsOf(search, total.value, access),
    };
  });
}

type Places = Parameters<typeof readPage>[0] & Parameters<typeof archivePage>[0];

/** Of the store where it has everything; while it is down, of the archive. */
async function pageOf(
  { inStore, knowsArchive, ...places }: Places & { inStore: boolean; knowsArchive: boolean },
  request: PageRequest,
  signal: AbortSignal,
): Promise<Page> {
  if (!inStore) return archivePage(places, request, signal);
  try {
    return await readPage(places, request, signal);
  } catch (error) {
    const isDown = isMillraceError(error, 'STORE_UNAVAILABLE');
    if (!isDown || !knowsArchive || places.source !== 'auto') throw error;
    return archivePage(places, request, signal);
  }
}

/** All rows at once: what pipes give has no pages. */
function pipedPage({ tookMs, seen, hits, table, partial }: PipesAnswer, wanted: HitFields | undefined) {
  return {
    took_ms: tookMs,
    total: { value: seen, relation: partial.length === 0 ? ('eq' as const) : ('gte' as const) },
    hits: hits.map((hit) => pipedRow(hit, wanted)),
    next_cursor: null,
    prev_cursor: null,
    partial,
    ...(table === undefined ? {} : { table }),
  };
}

/** For who found nothing; of what is hidden from them, nothing. */
function hintsOf({ query, pipes }: Search, found: number, access: Access): { hints?: FieldHint[] } {
  if (found > 0) return {};
  const hints = fieldHints([...fieldsNamed(query), ...fieldsPiped(pipes)]).filter(({ suggestion }) =>
    fieldAllowed(access, suggestion),
  );
  return hints.length === 0 ? {} : { hints };
}

function tooManyRows(max: number): MillraceError {
  return new MillraceError('QUERY_INVALID', `parameter size: a page has ${max} rows at most`, {
    hint: 'go on with next_cursor, or ask GET /api/v1/search/stream for many rows at once',
  });
}
