import { Type } from '@fastify/type-provider-typebox';
import { nobody } from '../access/access.ts';
import { ScopeSchema } from '../access/config.ts';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import type { Api } from '../server.ts';

const Names = Type.Array(Type.String());

const schema = {
  summary: 'Who asks, and what they may',
  querystring: Type.Object({}, { additionalProperties: false }),
  response: {
    200: Type.Object({
      subject: Type.Union([Type.String(), Type.Null()], { description: 'null: nobody is logged in' }),
      scopes: Type.Array(ScopeSchema),
      tags: Names,
      hosts: Names,
      streams: Names,
      redact: Names,
      login: Type.Union([Type.String(), Type.Null()], { description: 'Where to log in; null: not here' }),
      logout: Type.Union([Type.String(), Type.Null()], { description: 'What to POST to, to log out' }),
      csrf: Type.Union([Type.String(), Type.Null()], {
        description: 'Of a session: the header x-millrace-csrf of requests that change something',
      }),
      expires: Type.Union([Type.String(), Type.Null()], {
        description: 'When the session ends if it is not used',
      }),
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/me`: for the page, which asks it first. */
export function meRoute(api: Api, { gate, config }: Context): void {
  const { base_path: base } = config.http;
  api.get('/api/v1/me', { schema, config: { open: true } }, ({ access, session }) => {
    const { subject, scopes, tags, hosts, streams, redact } = access;
    const ends = session && gate.sessions?.expiresMs(session);
    return {
      subject: access === nobody ? null : subject,
      scopes: [...scopes],
      tags: [...tags],
      hosts: [...hosts],
      streams: [...streams],
      redact: [...redact],
      login: gate.login === undefined ? null : `${base}/login`,
      logout: session === undefined ? null : `${base}/logout`,
      csrf: session?.csrf ?? null,
      expires: ends === undefined ? null : new Date(ends).toISOString(),
    };
  });
}
