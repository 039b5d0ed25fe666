import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { Api } from '../server.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the audit log says of this request besides what it can see itself; routes fill it in. */
    audited: Audited;
  }
  interface FastifyContextConfig {
    /** In the audit log, though it has no scope. */
    audited?: boolean;
  }
}

export interface Audited {
  /** Events or entries that were given out; counted for answers with `hits`. */
  rows?: number;
  /** What was changed: the id of a key, of a saved search. */
  target?: string;
  /** Who it is, when that is known only in the course of the request. */
  subject?: string;
}

/** Parameters that are written down; no others, and no bodies: they may have secrets in them. */
const parameters = ['q', 'from', 'to', 'stream', 'source', 'field', 'fields', 'id', 'format'] as const;
const textMax = 8192;

/** One line for each request that reads or changes something: who, from where, what, and how much came of it. */
export function auditRequests(api: Api, context: Context): void {
  api.decorateRequest('audited');
  api.addHook('onRequest', async (request, reply) => {
    request.audited = {};
    const { scope, audited } = request.routeOptions.config;
    if (scope === undefined && audited !== true) return;
    const before = request.raw.socket.bytesWritten ?? 0;
    let finished = false;
    reply.raw.once('finish', () => {
      finished = true;
    });
    // Also when the client goes away in the middle, `cut`: what it has, it has.
    reply.raw.once('close', () => {
      const line = { ...entryOf(request, reply, before), ...(finished ? {} : { cut: true }) };
      context.telemetry.emit('audit', line);
      context.auditFile?.write({ time: new Date(context.clock.now()).toISOString(), ...line });
    });
  });
  api.addHook('preSerialization', async (request, _reply, payload) => {
    const { hits } = (payload ?? {}) as { hits?: unknown };
    if (Array.isArray(hits)) request.audited.rows ??= hits.length;
    return payload;
  });
}

function entryOf(request: FastifyRequest, reply: FastifyReply, before: number): Record<string, unknown> {
  const { access, audited, ip, method, routeOptions, query, params } = request;
  const asked = Object.entries({ ...(query as object), ...(params as object) }).filter(
    ([name, value]) => (parameters as readonly string[]).includes(name) && typeof value === 'string',
  );
  const said = asked.map(([name, value]) => [name, String(value).slice(0, textMax)] as const);
  return {
    subject: audited.subject ?? access?.subject ?? 'nobody',
    ip,
    method,
    route: routeOptions.url,
    ...Object.fromEntries(said),
    status: reply.statusCode,
    ...(audited.rows === undefined ? {} : { rows: audited.rows }),
    ...(audited.target === undefined ? {} : { target: audited.target }),
    took_ms: Math.round(reply.elapsedTime),
    bytes: (request.raw.socket.bytesWritten ?? 0) - before,
  };
}
