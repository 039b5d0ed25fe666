import { STATUS_CODES } from 'node:http';
import { messageOf } from '@millrace/core/errors.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Events } from './events.ts';
import { type Failure, failure, failureOf, routesHint } from './failure.ts';
import { methodsByPath } from './methods.ts';
import type { Api } from './server.ts';

/** Room for the longest query, percent-encoded, and a cursor. */
export const headerBytesMax = 128 * 1024;

/** Whatever goes wrong has the shape of every error: what routes throw, and what reaches no route. Before any route. */
export function answerFailures(api: Api, telemetry: Telemetry<Events>): void {
  api.setErrorHandler((error, request, reply) => {
    const failed = failureOf(error);
    // A client that went away is nobody's fault, and there is nobody to tell.
    telemetry.emit(reply.raw.destroyed ? 'cancelled' : failed.event, {
      path: request.routeOptions.url,
      reason: messageOf(error),
    });
    if (failed.headers !== undefined) reply.headers(failed.headers);
    return reply.code(failed.status).send(failed.body);
  });
  // Of both it can be said that a later time may do.
  api.addHook('onSend', async (_request, reply) => {
    const later = reply.statusCode === 429 || reply.statusCode === 503;
    if (later && !reply.hasHeader('retry-after')) reply.header('retry-after', '2');
  });
  const methodsOf = methodsByPath(api);
  // Before the body is looked at, which some methods must have and others must not.
  api.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return undefined;
    return refuseMethod(request, reply);
  });
  api.setNotFoundHandler((request, reply) => {
    // An address of which the page's folder has no file either.
    const refused = refuseMethod(request, reply);
    if (refused !== undefined) return refused;
    const path = pathOf(request.url);
    const failed = failure(
      404,
      'query_refused',
      'NOT_FOUND',
      `there is no ${request.method} ${path.slice(0, 200)}`,
      routesHint,
    );
    return reply.code(404).send(failed.body);
  });

  function refuseMethod(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const methods = methodsOf(pathOf(request.url));
    if (methods.length === 0 || methods.includes(request.method)) return undefined;
    const allow = methods.join(', ');
    const message = `${request.method} is not for this address`;
    const { body } = failure(405, 'query_refused', 'METHOD_NOT_ALLOWED', message, `it takes ${allow}`);
    return reply.code(405).header('allow', allow).send(body);
  }
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? '';
}

/** What is no HTTP, or too much of it; Node gives such a request to no route. */
export function unreadable(code: string): Failure {
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

/** For a connection that Node has given up. */
export function rawAnswer({ status, body }: Failure): string {
  const text = JSON.stringify(body);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}
