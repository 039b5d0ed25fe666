import { Type } from '@fastify/type-provider-typebox';
import { MillraceError } from '@millrace/core/errors.ts';
import { compileQueryText } from '@millrace/core/query/compile.ts';
import { formatNs, parseTime } from '@millrace/core/query/time.ts';
import { assertUnlimited } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { ErrorSchema, failure } from '../failure.ts';
import { JobSchema, type ReplayBody, ReplayBodySchema } from '../replays/job.ts';
import type { Api } from '../server.ts';

const nothing = Type.Object({}, { additionalProperties: false });
const params = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{12}$' }) });
const config = { scope: 'replay' } as const;
const bodyBytesMax = 64 * 1024;

/**
 * `POST /api/v1/replays`: queues a replay of the archive into the store. `GET /api/v1/replays[/ID]`: how far it is.
 * `DELETE /api/v1/replays/ID`: ends it; what it wrote stays.
 */
export function replayRoutes(api: Api, { replays, clock }: Context): void {
  const none = { querystring: nothing };
  // 404: replays are not configured.
  const otherwise = { 404: ErrorSchema, default: ErrorSchema };
  const one = { response: { 200: JobSchema, ...otherwise } };

  api.post(
    '/api/v1/replays',
    {
      schema: {
        summary: 'Queues a replay of the archive into the store',
        ...none,
        body: ReplayBodySchema,
        response: { 202: JobSchema, ...otherwise },
      },
      bodyLimit: bodyBytesMax,
      config,
    },
    async (request, reply) => {
      assertUnlimited(request.access, 'replays are');
      if (replays === undefined) return reply.code(404).send(notConfigured.body);
      const job = replays.add(absolute(request.body, clock.now()));
      if (job === undefined) return reply.code(429).send(queueFull.body);
      return reply.code(202).header('location', `/api/v1/replays/${job.id}`).send(job);
    },
  );

  const list = {
    summary: 'Replays that wait, run or have ended',
    response: { 200: Type.Object({ replays: Type.Array(JobSchema) }), ...otherwise },
  };
  api.get('/api/v1/replays', { schema: { ...none, ...list }, config }, async (request, reply) => {
    assertUnlimited(request.access, 'replays are');
    if (replays === undefined) return reply.code(404).send(notConfigured.body);
    return { replays: replays.list() };
  });

  api.get(
    '/api/v1/replays/:id',
    { schema: { summary: 'How far a replay is', ...none, params, ...one }, config },
    async (request, reply) => {
      assertUnlimited(request.access, 'replays are');
      if (replays === undefined) return reply.code(404).send(notConfigured.body);
      return replays.get(request.params.id) ?? reply.code(404).send(unknown.body);
    },
  );

  api.delete(
    '/api/v1/replays/:id',
    { schema: { summary: 'Ends a replay; what it wrote stays', ...none, params, ...one }, config },
    async (request, reply) => {
      assertUnlimited(request.access, 'replays are');
      if (replays === undefined) return reply.code(404).send(notConfigured.body);
      return replays.cancel(request.params.id) ?? reply.code(404).send(unknown.body);
    },
  );
}

/** @throws MillraceError QUERY_INVALID: what cannot be carried out is refused at once, not by a job that fails */
function absolute(body: ReplayBody, nowMs: number): ReplayBody {
  compileQueryText(body.query, { nowMs });
  const from = body.from === undefined ? undefined : parseTime(body.from, nowMs).firstNs;
  const to = body.to === undefined ? undefined : parseTime(body.to, nowMs).lastNs;
  if (from !== undefined && to !== undefined && from > to)
    throw new MillraceError('QUERY_INVALID', 'from is after to', { hint: 'exchange them' });
  return {
    ...body,
    ...(from === undefined ? {} : { from: formatNs(from) }),
    ...(to === undefined ? {} : { to: formatNs(to) }),
  };
}

const notConfigured = failure(
  404,
  'query_refused',
  'NOT_FOUND',
  'this server carries out no replays',
  'configure `replays` in search-api.json, or run replay on the command line',
);
const unknown = failure(
  404,
  'query_refused',
  'NOT_FOUND',
  'there is no such replay',
  'GET /api/v1/replays lists them',
);
const queueFull = failure(429, 'busy', 'BUSY', 'too many replays wait', 'wait until some have ended');
