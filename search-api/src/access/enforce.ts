import type { RouteOptions } from 'fastify';
import { failure } from '../failure.ts';
import type { Api } from '../server.ts';
import type { Scope } from './access.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What an access needs for this route. */
    scope?: Scope;
    /** For everybody: it shows nothing of the logs. A route has a scope or is open; the server starts with no other. */
    open?: boolean;
    /** Counted against `rate_limit`, as every route with a scope is. */
    counted?: boolean;
  }
}

/** Refuses who lacks a route's scope. Call it behind the hook that says who asks, before any route is added. */
export function enforceScopes(api: Api): void {
  const routes: RouteOptions[] = [];
  api.addHook('onRoute', (route) => {
    routes.push(route);
  });
  api.addHook('onReady', async () => {
    const unnamed = routes.filter(({ config }) => config?.scope === undefined && config?.open !== true);
    if (unnamed.length === 0) return;
    const names = unnamed.map(({ method, url }) => `${[method].flat().join(', ')} ${url}`);
    throw new TypeError(`these routes name no scope and are not open: ${names.join('; ')}`);
  });
  api.addHook('onRequest', async (request, reply) => {
    const { scope } = request.routeOptions.config;
    if (scope === undefined || request.access.scopes.has(scope)) return undefined;
    const { status, body } = failure(
      403,
      'forbidden',
      'FORBIDDEN',
      `this needs the scope ${scope}`,
      'use a key or a role that has it; GET /api/v1/me says which scopes you have',
    );
    return reply.code(status).send(body);
  });
}
