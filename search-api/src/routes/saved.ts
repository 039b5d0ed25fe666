import { Type } from '@fastify/type-provider-typebox';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import { readSavedFile, savedFile } from '../saved/file.ts';
import { expectedVersion } from '../saved/kept.ts';
import { SavedContentSchema, SavedSearchSchema, savedId } from '../saved/saved-search.ts';
import { SavedShelf } from '../saved/shelf.ts';
import type { Api } from '../server.ts';

const none = { querystring: Type.Object({}, { additionalProperties: false }) };
const params = Type.Object({ id: savedId });
const one = { response: { 200: SavedSearchSchema, default: ErrorSchema } };
const bodyBytesMax = 64 * 1024;
const fileBytesMax = 8 * 1024 * 1024;

/** `/api/v1/saved`: searches that people keep. Who has no limits sees them all; their owner changes them. */
export function savedRoutes(api: Api, { store, clock, config }: Context): void {
  const shelf = new SavedShelf(store.objects, config.saved.max, clock);
  const read = { config: { scope: 'search' } } as const;
  const write = { config: { scope: 'save' }, bodyLimit: bodyBytesMax } as const;

  const list = {
    summary: 'Searches that people keep',
    response: { 200: Type.Object({ saved: Type.Array(SavedSearchSchema) }), default: ErrorSchema },
  };
  api.get('/api/v1/saved', { schema: { ...none, ...list }, ...read }, async (request) => ({
    saved: await shelf.list(request.access, request.signal),
  }));

  const created = { response: { 201: SavedSearchSchema, default: ErrorSchema } };
  api.post(
    '/api/v1/saved',
    { schema: { summary: 'Keeps a search', ...none, body: SavedContentSchema, ...created }, ...write },
    async (request, reply) => {
      const saved = await shelf.add(request.body, request.access);
      return reply
        .code(201)
        .headers({ location: `/api/v1/saved/${saved.id}`, etag: `"${saved.version}"` })
        .send(saved);
    },
  );

  api.get(
    '/api/v1/saved/:id',
    { schema: { summary: 'One search', ...none, params, ...one }, ...read },
    async (request, reply) => {
      const saved = await shelf.get(request.params.id, request.access, request.signal);
      reply.header('etag', `"${saved.version}"`);
      return saved;
    },
  );

  api.put(
    '/api/v1/saved/:id',
    { schema: { summary: 'Changes a search', ...none, params, body: SavedContentSchema, ...one }, ...write },
    async (request, reply) => {
      const expect = expectedVersion(request.headers['if-match']);
      const saved = await shelf.replace(request.params.id, request.body, request.access, expect);
      reply.header('etag', `"${saved.version}"`);
      return saved;
    },
  );

  api.delete(
    '/api/v1/saved/:id',
    {
      schema: {
        summary: 'Deletes a search',
        ...none,
        params,
        response: { 204: Type.Null(), default: ErrorSchema },
      },
      ...write,
    },
    async (request, reply) => {
      await shelf.delete(request.params.id, request.access, expectedVersion(request.headers['if-match']));
      return reply.code(204).send(null);
    },
  );

  savedFileRoutes(api, shelf);
}

/** All of them as a file, and back. */
function savedFileRoutes(api: Api, shelf: SavedShelf): void {
  const text = {
    summary: 'All searches as a file, one a line',
    produces: ['application/x-ndjson'],
    response: { 200: Type.String(), default: ErrorSchema },
  };
  api.get(
    '/api/v1/saved/export',
    { schema: { ...none, ...text }, config: { scope: 'search' } },
    async (request, reply) => {
      reply.header('content-type', 'application/x-ndjson');
      reply.header('content-disposition', 'attachment; filename="millrace-saved-searches.ndjson"');
      return savedFile(await shelf.list(request.access, request.signal));
    },
  );

  api.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  const result = Type.Object({
    created: Type.Integer(),
    replaced: Type.Integer(),
    unchanged: Type.Integer(),
  });
  api.post(
    '/api/v1/saved/import',
    {
      schema: {
        summary: 'Takes a file of searches',
        ...none,
        consumes: ['application/x-ndjson'],
        body: Type.String({ description: 'As GET /api/v1/saved/export gives it' }),
        response: { 200: result, default: ErrorSchema },
      },
      config: { scope: 'save' },
      bodyLimit: fileBytesMax,
    },
    async ({ body, access }) => {
      const lines = readSavedFile(body, {
        check: (content) => shelf.check(content, access),
        assertRoom: (count) => shelf.assertRoom(count),
      });
      return shelf.put(lines, access);
    },
  );
}
