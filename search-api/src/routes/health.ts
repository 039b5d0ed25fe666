import { Type } from '@fastify/type-provider-typebox';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import type { Api } from '../server.ts';

const nothing = Type.Object({}, { additionalProperties: false });
const okSchema = Type.Object({ status: Type.Literal('ok') });
const readyMsMax = 5000;

/** `GET /healthz`: the process answers. `GET /readyz`: the store answers too. `GET /metrics`: Prometheus text. */
export function healthRoutes(api: Api, { store, telemetry }: Context): void {
  api.get('/healthz', { schema: { querystring: nothing, response: { 200: okSchema } } }, () => ({
    status: 'ok' as const,
  }));

  const readySchema = {
    querystring: nothing,
    response: {
      200: Type.Object({ status: Type.Literal('ok'), store: Type.String() }),
      default: ErrorSchema,
    },
  };
  api.get('/readyz', { schema: readySchema, handlerTimeout: readyMsMax }, async (request) => ({
    status: 'ok' as const,
    store: await store.describe(request.signal),
  }));

  const metricsSchema = { querystring: nothing, response: { 200: Type.String() } };
  api.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    const text = await telemetry.registry.metrics();
    return reply.type(telemetry.registry.contentType).send(text);
  });
}
