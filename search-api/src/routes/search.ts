import { Type } from '@fastify/type-provider-typebox';
import type { Context } from '../context.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { ErrorSchema } from '../failure.ts';
import { HitSchema, hitOf } from '../hit.ts';
import { plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const pageMax = 1000;
/** Hits are counted exactly up to this many. */
const totalMax = 10_000;

const schema = {
  querystring: Type.Object(
    {
      ...whatParameters,
      size: Type.Integer({ default: 50, minimum: 0, maximum: pageMax }),
      sort: Type.Union([Type.Literal('desc'), Type.Literal('asc')], { default: 'desc' }),
      cursor: Type.Optional(Type.String({ maxLength: 16_384 })),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number(),
      total: Type.Object({
        value: Type.Integer(),
        relation: Type.Union([Type.Literal('eq'), Type.Literal('gte')]),
      }),
      hits: Type.Array(HitSchema),
      next_cursor: Type.Union([Type.String(), Type.Null()]),
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/search`: hits in order of (@timestamp, file, offset), page after page by `next_cursor`. */
export function searchRoute(api: Api, { store, clock }: Context): void {
  api.get('/api/v1/search', { schema, config: { costly: true } }, async (request) => {
    const { size, sort, cursor: text, ...what } = request.query;
    const cursor = text === undefined ? undefined : decodeCursor(text, what, sort);
    const nowMs = cursor?.nowMs ?? clock.now();
    const { indices, query } = plan(what, nowMs);
    // One more than asked for says whether there is a next page.
    const response = await store.search(
      {
        indices,
        query,
        size: size === 0 ? 0 : size + 1,
        order: sort,
        ...(cursor === undefined ? {} : { after: cursor.after }),
        trackTotal: totalMax,
        highlight: what.q !== '',
      },
      request.signal,
    );
    const hits = response.hits.slice(0, size);
    const last = response.hits.length > size ? hits.at(-1) : undefined;
    return {
      took_ms: response.tookMs,
      total: response.total,
      hits: hits.map(hitOf),
      next_cursor: last === undefined ? null : encodeCursor({ nowMs, order: sort, after: last.sort }, what),
    };
  });
}
