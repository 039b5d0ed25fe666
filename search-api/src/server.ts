import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { messageOf } from '@millrace/core/errors.ts';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type RawServerDefault } from 'fastify';
import type { Context } from './context.ts';
import { failure, failureOf } from './failure.ts';
import { guard } from './guard.ts';
import { healthRoutes } from './routes/health.ts';
import { histogramRoute } from './routes/histogram.ts';
import { pageRoutes } from './routes/page.ts';
import { searchRoute } from './routes/search.ts';
import { validatorCompiler } from './validator.ts';

/** The server with types that follow from the routes' schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Counted against `requests_max`. */
    costly?: boolean;
  }
}

/** Room for the longest query, percent-encoded, and a cursor. */
const headerBytesMax = 128 * 1024;

/** The API and the page on it; listens nowhere yet. */
export async function createServer(context: Context): Promise<Api> {
  const { telemetry, config } = context;
  const api = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: 10_000,
    handlerTimeout: config.request_timeout_ms,
    http: { maxHeaderSize: headerBytesMax },
    return503OnClosing: true,
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();
  api.setValidatorCompiler(validatorCompiler);
  api.setErrorHandler((error, request, reply) => {
    const failed = failureOf(error);
    // A client that went away is nobody's fault, and there is nobody to tell.
    telemetry.emit(reply.raw.destroyed ? 'cancelled' : failed.event, {
      path: request.routeOptions.url,
      reason: messageOf(error),
    });
    if (failed.status === 503) reply.header('retry-after', '2');
    return reply.code(failed.status).send(failed.body);
  });
  api.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]?.slice(0, 200);
    const failed = failure(
      404,
      'query_refused',
      'NOT_FOUND',
      `there is no ${request.method} ${path}`,
      'GET /api/v1/search, /api/v1/histogram, /healthz, /readyz, /metrics, or the page at /',
    );
    return reply.code(404).send(failed.body);
  });
  guard(api, context);
  searchRoute(api, context);
  histogramRoute(api, context);
  healthRoutes(api, context);
  await pageRoutes(api);
  return api;
}
