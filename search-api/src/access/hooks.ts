import fastifyCookie from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { failure, Refused } from '../failure.ts';
import type { Api } from '../server.ts';
import { type Access, nobody } from './access.ts';
import { cookieOptions } from './cookie.ts';
import { bearerOf, unauthorized } from './gate.ts';
import { isUnsafe } from './origin.ts';
import { type RateLimits, rateLimits } from './rate.ts';
import { isCsrfToken, type Session } from './session.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set before any handler runs. */
    access: Access;
    /** Of who logged in on the page. */
    session: Session | undefined;
  }
}

/** The status, in the audit log alone, of a request whose client was gone before it was known who asks. */
const closedByClient = 499;

/** Says who asks, before any route; refuses wrong keys, too many requests, and forged ones. */
export async function identifyAskers(api: Api, context: Context): Promise<void> {
  const { gate, config } = context;
  await api.register(fastifyCookie);
  const limits = await rateLimits(api, config.rate_limit);
  api.decorateRequest('access');
  api.decorateRequest('session', undefined);
  api.addHook('onRequest', async (request, reply) => {
    request.access = nobody;
    const { access, session } = await identified(request, context, limits);
    request.access = access;
    request.session = session;
    if (request.routeOptions.config.scope !== undefined || request.routeOptions.config.counted === true)
      await limits.count(request);
    if (access === nobody && request.routeOptions.config.scope !== undefined)
      throw new Refused(
        unauthorized(
          'this needs an API key or a login',
          gate.login === undefined
            ? 'send Authorization: Bearer mr_…'
            : 'log in at /login, or send Authorization: Bearer mr_…',
        ),
      );
    if (session !== undefined) await keepSession(request, reply, session, context);
    // Nobody would be told again that it is closed, and its place among the running ones would never be free.
    return reply.raw.destroyed ? reply.code(closedByClient).send() : undefined;
  });
}

async function identified(request: FastifyRequest, { gate }: Context, limits: RateLimits) {
  const key = bearerOf(request.headers.authorization);
  if (key !== undefined && gate.keys?.isUnknown(key)) await limits.beforeLookup(request);
  try {
    return await gate.identify(request);
  } catch (error) {
    if (error instanceof Refused && error.failure.status === 401) await limits.afterFailure(request);
    throw error;
  }
}

async function keepSession(
  request: FastifyRequest,
  reply: FastifyReply,
  session: Session,
  { gate, config, clock }: Context,
): Promise<void> {
  if (isUnsafe(request.method) && !isCsrfToken(session, request.headers['x-millrace-csrf']))
    throw new Refused(
      failure(
        403,
        'forbidden',
        'FORBIDDEN',
        'the header x-millrace-csrf is missing or of another session',
        'send the csrf of GET /api/v1/me in it',
      ),
    );
  const text = await gate.sessions?.renewed(session);
  if (text === undefined) return;
  const untilMs = gate.sessions?.expiresMs({ ...session, seenMs: clock.now() }) ?? 0;
  reply.setCookie(gate.cookie, text, cookieOptions(config.http, new Date(untilMs)));
}
