import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { MillraceError } from '@millrace/core/errors.ts';

export interface HttpOptions {
  host: string;
  port: number;
  /** Undefined when ready, else what is missing. */
  notReady(): string | undefined;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

/**
 * Serves /healthz, /readyz and /metrics.
 * @throws MillraceError PORT_TAKEN
 */
export async function serveHttp(options: HttpOptions): Promise<Server> {
  const server = createServer((request, response) => {
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') json(405, { status: 'method not allowed' });
    else if (path === '/healthz') json(200, { status: 'ok' });
    else if (path === '/readyz') {
      const missing = options.notReady();
      if (missing === undefined) json(200, { status: 'ready' });
      else json(503, { status: 'not ready', missing });
    } else if (path === '/metrics') {
      options.metrics().then(
        (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
        () => json(500, { status: 'metrics failed' }),
      );
    } else json(404, { status: 'not found' });
  });
  server.requestTimeout = 10_000;
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new MillraceError('PORT_TAKEN', `cannot listen on ${options.host}:${options.port}`, {
      cause,
      hint: 'change http.port in the configuration, or stop what uses it',
    });
  }
  return server;
}
