import { createServer, type Server } from 'node:http';
import { MillraceError } from '../errors.ts';

export interface HealthServerOptions {
  host: string;
  port: number;
  /** Why the process is not ready to do its work; undefined when it is. */
  notReady(): string | undefined;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

/**
 * `GET /healthz` (alive), `/readyz` (200 or 503 with the reason) and `/metrics` (Prometheus text) for a process that
 * has no other HTTP interface.
 * @throws MillraceError PORT_TAKEN
 */
export async function startHealthServer(options: HealthServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') answer(405, { error: 'only GET' });
    else if (path === '/healthz') answer(200, { status: 'ok' });
    else if (path === '/readyz') {
      const reason = options.notReady();
      answer(
        reason === undefined ? 200 : 503,
        reason === undefined ? { status: 'ok' } : { status: 'waiting', reason },
      );
    } else if (path === '/metrics') {
      options.metrics().then(
        (text) =>
          response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
        () => answer(500, { error: 'metrics cannot be read' }),
      );
    } else answer(404, { error: 'try /healthz, /readyz or /metrics' });
  });
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(cause);
      const where = `${options.host}:${options.port}`;
      const hint = 'stop the process that listens there, or configure another port';
      reject(new MillraceError('PORT_TAKEN', `${where} is in use`, { cause, hint }));
    });
    server.listen(options.port, options.host, resolve);
  });
  // Health must never be what keeps a stopping process alive.
  server.unref();
  return server;
}
