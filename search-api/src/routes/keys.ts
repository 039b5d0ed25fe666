import { type Static, Type } from '@fastify/type-provider-typebox';
import type { Access } from '../access/access.ts';
import { assertUnlimited } from '../access/allowed.ts';
import { grantProperties, isTime } from '../access/config.ts';
import type { KeyBook } from '../access/key-book.ts';
import { canBeHidden } from '../access/redaction.ts';
import type { Context } from '../context.ts';
import { ErrorSchema, failure, Refused } from '../failure.ts';
import type { Api } from '../server.ts';

const nothing = Type.Object({}, { additionalProperties: false });
const bodyBytesMax = 64 * 1024;
const pageMax = 1_000;

const WantedSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 256, description: 'For people: whose key it is' }),
    ...grantProperties,
    expires: Type.Optional(Type.String({ maxLength: 64, description: 'ISO 8601; absent: never' })),
  },
  { additionalProperties: false },
);

const EntrySchema = Type.Object({
  id: Type.String(),
  source: Type.Union([Type.Literal('config'), Type.Literal('store')], {
    description: 'config: it stands in search-api.json, and is changed there',
  }),
  name: Type.Optional(Type.String()),
  ...grantProperties,
  expires: Type.Optional(Type.String()),
  created: Type.Optional(Type.String()),
  creator: Type.Optional(Type.String()),
});

const listSchema = {
  summary: 'API keys, without their secrets',
  querystring: Type.Object(
    {
      after: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$', description: 'next of the page before' }),
      ),
      size: Type.Integer({ default: 100, minimum: 1, maximum: pageMax }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ keys: Type.Array(EntrySchema), next: Type.Union([Type.String(), Type.Null()]) }),
    404: ErrorSchema,
    default: ErrorSchema,
  },
};

const createSchema = {
  summary: 'Makes an API key; the answer is the only one that has it',
  querystring: nothing,
  body: WantedSchema,
  response: {
    201: Type.Object({ id: Type.String(), key: Type.String() }),
    404: ErrorSchema,
    default: ErrorSchema,
  },
};

const deleteSchema = {
  summary: 'Revokes an API key',
  querystring: nothing,
  params: Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }) }),
  response: {
    204: Type.Null({ description: 'It is gone, within access.key_cache_ms everywhere' }),
    404: ErrorSchema,
    default: ErrorSchema,
  },
};

/** `GET /api/v1/keys`, `POST /api/v1/keys`, `DELETE /api/v1/keys/ID`. */
export function keyRoutes(api: Api, { gate, clock }: Context): void {
  const config = { scope: 'admin' } as const;

  api.get('/api/v1/keys', { schema: listSchema, config }, async (request) => {
    assertUnlimited(request.access, 'keys are');
    const { after, size } = request.query;
    const keys = keysOf(gate.keys);
    const stored = await keys.list({ ...(after === undefined ? {} : { after }), size }, request.signal);
    const configured = after === undefined ? keys.configured() : [];
    const next = stored.length < size ? null : (stored.at(-1)?.id ?? null);
    return { keys: [...configured, ...stored], next };
  });

  api.post(
    '/api/v1/keys',
    { schema: createSchema, config, bodyLimit: bodyBytesMax },
    async (request, reply) => {
      const keys = keysOf(gate.keys);
      const { body, access } = request;
      assertUnlimited(access, 'keys are');
      assertGrantable(access, body);
      const created = new Date(clock.now()).toISOString();
      // Not ended with the request: its `signal` says that all of the body has come, too.
      const made = await keys.create({ ...body, created, creator: access.subject });
      request.audited.target = made.id;
      return reply.code(201).send(made);
    },
  );

  api.delete('/api/v1/keys/:id', { schema: deleteSchema, config }, async (request, reply) => {
    const keys = keysOf(gate.keys);
    const { id } = request.params;
    request.audited.target = id;
    assertUnlimited(request.access, 'keys are');
    if (keys.configured().some((key) => key.id === id))
      throw refused(409, `the key ${id} stands in search-api.json`);
    if (!(await keys.delete(id))) throw refused(404, 'there is no such key');
    return reply.code(204).send(null);
  });
}

/** Nobody gives what they do not have. */
function assertGrantable(access: Access, wanted: Static<typeof WantedSchema>): void {
  const more = wanted.scopes.filter((scope) => !access.scopes.has(scope));
  if (more.length > 0) throw refused(403, `you do not have the scope ${more.join(', ')} yourself`);
  if (wanted.expires !== undefined && !isTime(wanted.expires))
    throw refused(400, 'expires is not a time: write 2027-01-31 or 2027-01-31T12:00:00Z');
  const fixed = wanted.redact.find((name) => !canBeHidden(name));
  if (fixed !== undefined)
    throw refused(400, `${fixed} cannot be hidden: ids and the order of events are made of it`);
}

function keysOf(keys: KeyBook | undefined): KeyBook {
  if (keys !== undefined) return keys;
  const hint = 'configure access in search-api.json';
  throw new Refused(failure(404, 'query_refused', 'NOT_FOUND', 'this server asks for no keys', hint));
}

function refused(status: 400 | 403 | 404 | 409, message: string): Refused {
  const codes = { 400: 'REQUEST_INVALID', 403: 'FORBIDDEN', 404: 'NOT_FOUND', 409: 'CONFLICT' } as const;
  return new Refused(failure(status, 'query_refused', codes[status], message, 'docs/access.md says more'));
}
