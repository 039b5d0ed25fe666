import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { messageOf } from '@millrace/core/errors.ts';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify';
import type { Context } from './context.ts';
import { type Failure, failure, failureOf, routesHint } from './failure.ts';
import { guard } from './guard.ts';
import { healthRoutes } from './routes/health.ts';
import { histogramRoute } from './routes/histogram.ts';
import { ledgerRoute } from './routes/ledger.ts';
import { pageRoutes } from './routes/page.ts';
import { replayRoutes } from './routes/replays.ts';
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
    // Before any route and hook: an address that cannot be decoded.
    frameworkErrors(error: FastifyError, _request: FastifyRequest, reply: FastifyReply) {
      const { status, event, body } = failureOf(error);
      telemetry.emit(event, { reason: messageOf(error) });
      void reply.code(status).send(body);
    },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || socket.destroyed) return;
      const refused = unreadable(error.code);
      telemetry.emit(refused.event, { reason: messageOf(error) });
      if (socket.writable) socket.write(rawAnswer(refused));
      socket.destroy();
    },
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
      routesHint,
    );
    return reply.code(404).send(failed.body);
  });
  guard(api, context);
  searchRoute(api, context);
  histogramRoute(api, context);
  ledgerRoute(api, context);
  replayRoutes(api, context);
  healthRoutes(api, context);
  await pageRoutes(api);
  return api;
}

/** What is no HTTP, or too much of it; Node gives such a request to no route. */
function unreadable(code: string): Failure {
  if (code === 'HPE_HEADER_OVERFLOW')
    return failure(
      431,
      'query_refused',
      'REQUEST_INVALID',
      'the address and headers are too long',
      `they may have ${headerBytesMax} bytes together`,
    );
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return failure(408, 'query_refused', 'REQUEST_INVALID', 'the request did not come in time', 'try again');
  return failure(400, 'query_refused', 'REQUEST_INVALID', 'this is not HTTP', routesHint);
}

function rawAnswer({ status, body }: Failure): string {
  const text = JSON.stringify(body);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}
