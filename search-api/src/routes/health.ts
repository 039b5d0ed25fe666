import { Type } from '@fastify/type-provider-typebox';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import type { Api } from '../server.ts';

const nothing = Type.Object({}, { additionalProperties: false });
const okSchema = Type.Object({ status: Type.Literal('ok') });
const readyMsMax = 5000;

/** `GET /healthz`: the process answers. `GET /readyz`: the store answers too. `GET /metrics`: Prometheus text. */
export function healthRoutes(api: Api, { store, telemetry }: Context): void {
  const schema = { summary: 'The process answers', querystring: nothing, response: { 200: okSchema } };
  api.get('/healthz', { schema, config: { open: true } }, () => ({ status: 'ok' as const }));

  const readySchema = {
    summary: 'The store answers too',
    querystring: nothing,
    response: {
      200: Type.Object({ status: Type.Literal('ok'), store: Type.String() }),
      default: ErrorSchema,
    },
  };
  api.get(
    '/readyz',
    { schema: readySchema, config: { open: true }, handlerTimeout: readyMsMax },
    async ({ access, signal }) => {
      const engine = await store.describe(signal);
      // Which engine it is, and how old, is nothing for everybody.
      return { status: 'ok' as const, store: access.scopes.has('metrics') ? engine : 'ok' };
    },
  );

  const metricsSchema = {
    summary: 'Counters and gauges',
    produces: ['text/plain'],
    querystring: nothing,
    response: { 200: Type.String() },
  };
  api.get('/metrics', { schema: metricsSchema, config: { scope: 'metrics' } }, async (_request, reply) => {
    const text = await telemetry.registry.metrics();
    return reply.type(telemetry.registry.contentType).send(text);
  });
}
