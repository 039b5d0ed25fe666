import type { Server } from 'node:http';
import { MillraceError } from '../errors.ts';
import { createServer } from '../runtime/node-http.ts';

export interface HealthServerOptions {
  host: string;
  port: number;
  /** Why the process is not ready to do its work; undefined when it is. */
  notReady(): string | undefined;
  /** Why the process should be looked at, or started again; undefined, or absent, when all is well. */
  unhealthy?(): string | undefined;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Further paths: what is answered as JSON. An error with code USAGE is a 400. */
  routes?: Readonly<Record<string, (query: URLSearchParams) => unknown>>;
}

/**
 * `GET /healthz` and `/readyz` (200, or 503 with the reason), `/metrics` (Prometheus text) and `routes` for a process
 * that has no other HTTP interface.
 * @throws MillraceError PORT_TAKEN
 */
export async function startHealthServer(options: HealthServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const { pathname, searchParams } = new URL(`http://health${request.url ?? '/'}`);
    const route = Object.hasOwn(options.routes ?? {}, pathname) ? options.routes?.[pathname] : undefined;
    if (request.method !== 'GET') answer(405, { error: 'only GET' });
    else if (pathname === '/healthz') answer(...statusOf(options.unhealthy?.(), 'unhealthy'));
    else if (pathname === '/readyz') answer(...statusOf(options.notReady(), 'waiting'));
    else if (pathname === '/metrics') {
      options.metrics().then(
        (text) =>
          response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
        () => answer(500, { error: 'metrics cannot be read' }),
      );
    } else if (route) answer(...routed(() => route(searchParams)));
    else answer(404, { error: `try ${pathsOf(options)}` });
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

function statusOf(reason: string | undefined, status: string): [number, unknown] {
  return reason === undefined ? [200, { status: 'ok' }] : [503, { status, reason }];
}

function routed(read: () => unknown): [number, unknown] {
  try {
    return [200, read()];
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'USAGE') return [400, { error: error.message }];
    return [500, { error: 'this cannot be told now' }];
  }
}

function pathsOf({ routes = {} }: HealthServerOptions): string {
  const paths = ['/healthz', '/readyz', '/metrics', ...Object.keys(routes)];
  return `${paths.slice(0, -1).join(', ')} or ${paths.at(-1)}`;
}
