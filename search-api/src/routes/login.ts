import { Type } from '@fastify/type-provider-typebox';
import { cookieName, cookieOptions } from '../access/cookie.ts';
import type { Login } from '../access/login.ts';
import { loginMsMax } from '../access/login.ts';
import type { Context } from '../context.ts';
import { ErrorSchema, failure, Refused } from '../failure.ts';
import type { Api } from '../server.ts';

const pathMax = 16_384;

const loginSchema = {
  summary: 'Sends the browser to the login provider',
  querystring: Type.Object(
    {
      to: Type.Optional(
        Type.String({ maxLength: pathMax, description: 'Where to come back to: a path of this server' }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    302: Type.Null({ description: 'To the login provider' }),
    404: ErrorSchema,
    503: ErrorSchema,
    default: ErrorSchema,
  },
};

const callbackSchema = {
  summary: 'Where the login provider sends the browser back to',
  // Whatever a provider adds; what counts is checked with the provider.
  querystring: Type.Object({}, { additionalProperties: true }),
  response: {
    302: Type.Null({ description: 'To where the login began' }),
    404: ErrorSchema,
    503: ErrorSchema,
    default: ErrorSchema,
  },
};

const logoutSchema = {
  summary: 'Ends the session of this browser',
  response: {
    200: Type.Object({
      to: Type.String({
        description: 'Where to go: to the login provider, which ends its session too, or the page',
      }),
    }),
    404: ErrorSchema,
    503: ErrorSchema,
    default: ErrorSchema,
  },
};

/** `GET /login`, `GET /callback`, `POST /logout`: sessions of the page. */
export function loginRoutes(api: Api, { gate, config, clock }: Context): void {
  const { http } = config;
  const home = `${http.base_path}/`;
  const begun = cookieName(http, 'login');
  const open = { open: true, counted: true, audited: true };

  api.get('/login', { schema: loginSchema, config: open }, async (request, reply) => {
    const login = loginOf(gate.login);
    const started = await login.begin(safePath(request.query.to, home));
    reply.setCookie(begun, started.begun, cookieOptions(http, new Date(clock.now() + loginMsMax)));
    return reply.redirect(started.url, 302);
  });

  api.get('/callback', { schema: callbackSchema, config: open }, async (request, reply) => {
    const login = loginOf(gate.login);
    const at = request.url.indexOf('?');
    // Whatever comes of it: a login that was begun ends once.
    reply.clearCookie(begun, cookieOptions(http, new Date(0)));
    const { subject, role, to } = await login.finish(
      at < 0 ? '' : request.url.slice(at),
      request.cookies[begun],
    );
    request.audited.subject = subject;
    const text = await gate.sessions?.start(subject, role.value);
    if (text !== undefined) {
      const session = await gate.sessions?.read(text);
      const untilMs = session === undefined ? 0 : (gate.sessions?.expiresMs(session) ?? 0);
      reply.setCookie(gate.cookie, text, cookieOptions(http, new Date(untilMs)));
    }
    return reply.redirect(to, 302);
  });

  api.post('/logout', { schema: logoutSchema, config: open }, async (_request, reply) => {
    const to = (await gate.login?.logoutUrl()) ?? home;
    if (gate.cookie !== '') reply.clearCookie(gate.cookie, cookieOptions(http, new Date(0)));
    return { to };
  });
}

function loginOf(login: Login | undefined): Login {
  if (login !== undefined) return login;
  const hint = 'configure access.oidc in search-api.json, or use an API key';
  throw new Refused(failure(404, 'query_refused', 'NOT_FOUND', 'there is no login here', hint));
}

/** A path of this server's page; anything else would let a link to a login end on a page of somebody else. */
export function safePath(wanted: string | undefined, home: string): string {
  if (wanted === undefined || !wanted.startsWith(home)) return home;
  const here = 'http://millrace.invalid';
  const url = URL.parse(wanted, here);
  if (url === null || url.origin !== here || !url.pathname.startsWith(home)) return home;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // `//host` and `/\host` are addresses of other servers to browsers.
  return /^\/(?![/\\])/.test(path) ? path : home;
}
