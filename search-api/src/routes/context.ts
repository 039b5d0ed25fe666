import { Type } from '@fastify/type-provider-typebox';
import { MillraceError } from '@millrace/core/errors.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { type ContextLines, contextLines, eventOf } from '../context-lines/context-lines.ts';
import { neighboursOf } from '../context-lines/neighbours.ts';
import { Reading } from '../context-lines/reading.ts';
import { ErrorSchema, failure, Refused } from '../failure.ts';
import { ShortfallSchema } from '../find/shortfall.ts';
import { allowedSource } from '../find/source.ts';
import { HitSchema, hitOf } from '../hit.ts';
import { plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const { q, stream } = whatParameters;
const id = Type.String({ minLength: 1, maxLength: 64, description: 'Event id' });
const around = (side: string) =>
  Type.Integer({ default: 50, minimum: 0, maximum: 1_000, description: `Events ${side} it` });
const sides = { before: around('before'), after: around('after') };

const response = {
  200: Type.Object({
    hits: Type.Array(HitSchema),
    index: Type.Integer({ description: 'Of the event, or the moment, in hits' }),
    start_reached: Type.Boolean({ description: 'There is nothing before the first' }),
    end_reached: Type.Boolean({ description: 'There is nothing after the last, yet' }),
    partial: Type.Array(ShortfallSchema),
  }),
  404: ErrorSchema,
  default: ErrorSchema,
};

const contextSchema = {
  summary: 'The lines around an event in its file',
  querystring: Type.Object({ id, stream, ...sides }, { additionalProperties: false }),
  response,
};

const neighboursSchema = {
  summary: 'What happened around an event or a time, on all hosts',
  querystring: Type.Object(
    {
      id: Type.Optional(id),
      time: Type.Optional(Type.String({ maxLength: 64, description: 'In place of id: ISO 8601, now-15m' })),
      q,
      stream,
      ...sides,
    },
    { additionalProperties: false },
  ),
  response,
};

/** `GET /api/v1/context` and `/api/v1/neighbours`. */
export function contextRoutes(api: Api, context: Context): void {
  const config = { scope: 'search', costly: true } as const;

  api.get('/api/v1/context', { schema: contextSchema, config }, async (request) => {
    const { id, before, after } = request.query;
    const reading = readingFor(context, request, { q: '', ...streamOf(request.query) });
    const event = await eventOf(reading, id);
    if (event === undefined) throw noSuchEvent();
    return answered(await contextLines(reading, event, before, after), reading, request);
  });

  api.get('/api/v1/neighbours', { schema: neighboursSchema, config }, async (request) => {
    const { id, time, q, before, after } = request.query;
    if ((id === undefined) === (time === undefined))
      throw new MillraceError('QUERY_INVALID', 'id and time exclude each other, and one of them is needed', {
        hint: 'pass one of them',
      });
    const reading = readingFor(context, request, { q, ...streamOf(request.query) });
    if (id === undefined) {
      const { firstNs } = parseTime(time ?? '', context.clock.now());
      return answered(await neighboursOf(reading, { ns: firstNs }, before, after), reading, request);
    }
    // The event itself need not meet the query.
    const event = await eventOf(readingFor(context, request, { q: '' }), id);
    if (event === undefined) throw noSuchEvent();
    return answered(await neighboursOf(reading, { event }, before, after), reading, request);
  });
}

type Asked = Pick<FastifyRequest, 'access' | 'signal'>;

function readingFor(
  { store, finder, beside, clock }: Context,
  { access, signal }: Asked,
  { q, stream }: { q: string; stream?: string },
): Reading {
  const planned = plan(
    { q, from: '*', to: '*', ...(stream === undefined ? {} : { stream }) },
    clock.now(),
    access,
  );
  const hotOnly = allowedSource('auto', access) === 'hot';
  return new Reading({
    store,
    finder,
    beside: hotOnly ? async () => undefined : beside,
    plan: planned,
    signal,
  });
}

function streamOf({ stream }: { stream?: string }): { stream?: string } {
  return stream === undefined ? {} : { stream };
}

function answered(lines: ContextLines, { partial }: Reading, { access }: Asked) {
  return {
    hits: lines.hits.map((hit) => hitOf(hit, access)),
    index: lines.index,
    start_reached: lines.startReached,
    end_reached: lines.endReached,
    partial,
  };
}

function noSuchEvent(): Refused {
  return new Refused(
    failure(
      404,
      'query_refused',
      'NOT_FOUND',
      'there is no event of this id',
      'pass the id of a hit as it is; events that are removed from store and archive are gone',
    ),
  );
}
