import type { IncomingMessage, ServerResponse } from 'node:http';
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
import { enforceScopes } from './access/enforce.ts';
import { identifyAskers } from './access/hooks.ts';
import { watchLongAnswers } from './access/watch.ts';
import { answerFailures, headerBytesMax, rawAnswer, unreadable } from './answer-failures.ts';
import { auditRequests } from './audit/audit.ts';
import { baseRoute, withoutBase } from './base-path.ts';
import type { Context } from './context.ts';
import { failureOf } from './failure.ts';
import { boundCostly, guard } from './guard.ts';
import { describeRoutes } from './openapi/document.ts';
import { alertRoutes } from './routes/alerts.ts';
import { compareRoute } from './routes/compare.ts';
import { contextRoutes } from './routes/context.ts';
import { docsRoutes } from './routes/docs.ts';
import { exportRoute } from './routes/export.ts';
import { facetsRoute } from './routes/facets.ts';
import { fieldStatsRoute } from './routes/field-stats.ts';
import { fieldsRoutes } from './routes/fields.ts';
import { healthRoutes } from './routes/health.ts';
import { histogramRoute } from './routes/histogram.ts';
import { keyRoutes } from './routes/keys.ts';
import { ledgerRoute } from './routes/ledger.ts';
import { loginRoutes } from './routes/login.ts';
import { meRoute } from './routes/me.ts';
import { pageRoutes } from './routes/page.ts';
import { patternsRoute } from './routes/patterns.ts';
import { replayRoutes } from './routes/replays.ts';
import { savedRoutes } from './routes/saved.ts';
import { searchRoute } from './routes/search.ts';
import { searchStreamRoute } from './routes/search-stream.ts';
import { statusRoute } from './routes/status.ts';
import { tailRoutes } from './routes/tail.ts';
import { believed } from './trusted-proxies.ts';
import { validatorCompiler } from './validator.ts';
import { webSockets } from './web-sockets.ts';

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

/** The API and the page on it; listens nowhere yet. */
export async function createServer(context: Context): Promise<Api> {
  const { telemetry, config } = context;
  const api = fastify({
    logger: false,
    rewriteUrl: withoutBase(config.http.base_path),
    trustProxy: believed(config.http),
    keepAliveTimeout: config.http.keep_alive_ms,
    bodyLimit: 1024,
    requestTimeout: 10_000,
    handlerTimeout: config.request_timeout_ms,
    // How long a part of a path may be says the schema of its route.
    routerOptions: { maxParamLength: headerBytesMax },
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
  // Pages elsewhere may send it without being asked whether they may.
  api.removeContentTypeParser('text/plain');
  await describeRoutes(api, context);
  await webSockets(api, context);
  // Before whatever refuses: what was refused is in the audit log too.
  auditRequests(api, context);
  guard(api, context);
  answerFailures(api, telemetry);
  await identifyAskers(api, context);
  enforceScopes(api);
  watchLongAnswers(api, context);
  boundCostly(api, context);
  searchRoute(api, context);
  searchStreamRoute(api, context);
  histogramRoute(api, context);
  exportRoute(api, context);
  savedRoutes(api, context);
  facetsRoute(api, context);
  fieldsRoutes(api, context);
  fieldStatsRoute(api, context);
  patternsRoute(api, context);
  compareRoute(api, context);
  contextRoutes(api, context);
  statusRoute(api, context);
  alertRoutes(api, context);
  ledgerRoute(api, context);
  replayRoutes(api, context);
  tailRoutes(api, context);
  healthRoutes(api, context);
  meRoute(api, context);
  loginRoutes(api, context);
  keyRoutes(api, context);
  await docsRoutes(api, context);
  baseRoute(api, config.http.base_path);
  await pageRoutes(api);
  return api;
}
