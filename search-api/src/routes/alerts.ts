import { Type } from '@fastify/type-provider-typebox';
import { type Alert, AlertContentSchema, AlertSchema, accessOf } from '../alerts/alert.ts';
import { AlertBook } from '../alerts/book.ts';
import { questionFor } from '../alerts/question.ts';
import { createSender } from '../alerts/sender.ts';
import { AlertStateSchema } from '../alerts/state.ts';
import { noticeText } from '../alerts/text.ts';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import { expectedVersion } from '../saved/kept.ts';
import { savedId } from '../saved/saved-search.ts';
import type { Api } from '../server.ts';

const none = { querystring: Type.Object({}, { additionalProperties: false }) };
const params = Type.Object({ id: savedId });
const one = { response: { 200: AlertSchema, default: ErrorSchema } };
const bodyBytesMax = 128 * 1024;

/** `/api/v1/alerts`: alerts and how they stand. Addresses of receivers are secrets, so even reading takes the scope. */
export function alertRoutes(api: Api, context: Context): void {
  const book = new AlertBook(context.store, context.config.alerts, context.clock);
  const scope = { config: { scope: 'alerts' }, bodyLimit: bodyBytesMax } as const;

  const list = {
    summary: 'Alerts that the asker may see',
    response: { 200: Type.Object({ alerts: Type.Array(AlertSchema) }), default: ErrorSchema },
  };
  api.get('/api/v1/alerts', { schema: { ...none, ...list }, ...scope }, async (request) => ({
    alerts: await book.list(request.access, request.signal),
  }));

  const created = { response: { 201: AlertSchema, default: ErrorSchema } };
  api.post(
    '/api/v1/alerts',
    { schema: { summary: 'Makes an alert', ...none, body: AlertContentSchema, ...created }, ...scope },
    async (request, reply) => {
      const alert = await book.add(request.body, request.access);
      return reply
        .code(201)
        .headers({ location: `/api/v1/alerts/${alert.id}`, etag: `"${alert.version}"` })
        .send(alert);
    },
  );

  api.put(
    '/api/v1/alerts/:id',
    { schema: { summary: 'Changes an alert', ...none, params, body: AlertContentSchema, ...one }, ...scope },
    async ({ params: { id }, body, access, headers }, reply) => {
      const alert = await book.replace(id, body, access, expectedVersion(headers['if-match']));
      reply.header('etag', `"${alert.version}"`);
      return alert;
    },
  );

  api.delete(
    '/api/v1/alerts/:id',
    {
      schema: {
        summary: 'Deletes an alert',
        ...none,
        params,
        response: { 204: Type.Null(), default: ErrorSchema },
      },
      ...scope,
    },
    async ({ params: { id }, access, headers }, reply) => {
      await book.delete(id, access, expectedVersion(headers['if-match']));
      return reply.code(204).send(null);
    },
  );
  standingRoutes(api, context, book);
}

const standing = Type.Object({
  ...AlertSchema.properties,
  state: Type.Union([AlertStateSchema, Type.Null()], {
    description: 'How it stands, and its history, newest first; null before its first evaluation',
  }),
});

/** How one stands, and whether its notices arrive. */
function standingRoutes(api: Api, { config, clock, store }: Context, book: AlertBook): void {
  const scope = { config: { scope: 'alerts' } } as const;
  const send = createSender(config.alerts, clock);

  api.get(
    '/api/v1/alerts/:id',
    {
      schema: {
        summary: 'One alert, and how it stands',
        ...none,
        params,
        response: { 200: standing, default: ErrorSchema },
      },
      ...scope,
    },
    async ({ params: { id }, access, signal }, reply) => {
      const alert = await book.get(id, access, signal);
      reply.header('etag', `"${alert.version}"`);
      return { ...alert, state: (await book.state(id, signal)) ?? null };
    },
  );

  const results = Type.Object({
    results: Type.Array(
      Type.Object({ type: Type.String(), sent: Type.Boolean(), reason: Type.Optional(Type.String()) }),
    ),
  });
  api.post(
    '/api/v1/alerts/:id/test',
    {
      schema: {
        summary: 'Sends a test notice to each receiver of an alert',
        ...none,
        params,
        response: { 200: results, default: ErrorSchema },
      },
      ...scope,
    },
    async ({ params: { id }, access, signal }) => {
      const alert = await book.get(id, access, signal);
      const question = await questionFor(store, alert, accessOf(alert), signal);
      const notice = noticeText(alert, question, testNotice(alert, clock.now()), config.http);
      const sent = await Promise.all(
        alert.notify.map(async (notify) => {
          const result = await send(notify, notice);
          const { type } = notify;
          return result.kind === 'sent' ? { type, sent: true } : { type, sent: false, reason: result.reason };
        }),
      );
      return { results: sent };
    },
  );
}

function testNotice(alert: Alert, nowMs: number) {
  return {
    key: `${alert.id}/${nowMs}/test`,
    kind: 'test',
    group: 'test',
    end: nowMs,
    since: nowMs,
    count: 0,
  } as const;
}
