import { Type } from '@fastify/type-provider-typebox';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import type { Api } from '../server.ts';
import { StatusDesk } from '../status/desk.ts';

const Time = Type.Union([Type.String(), Type.Null()]);
const Count = Type.Union([Type.Integer(), Type.Null()]);

const schema = {
  summary: 'How far streams, archive and store are',
  querystring: Type.Object({}, { additionalProperties: false }),
  response: {
    200: Type.Object({
      store: Type.Union([Type.Literal('ok'), Type.Literal('down')]),
      streams: Type.Array(
        Type.Object({
          stream: Type.String(),
          newest_event: Time,
          newest_ingested: Time,
          /** How long the newest event had been on its way when it was indexed. */
          lag_ms: Count,
          /** First day whose events are in the store. */
          horizon: Time,
        }),
      ),
      archive: Type.Union([Type.Object({ unindexed_objects: Count, oldest: Time }), Type.Null()]),
      gaps: Type.Union([
        Type.Object({ count: Type.Integer(), bytes: Type.Integer(), since: Time, at: Type.String() }),
        Type.Null(),
      ]),
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/status`: where a result may be incomplete. */
export function statusRoute(api: Api, context: Context): void {
  const desk = new StatusDesk(context);
  api.get('/api/v1/status', { schema, config: { scope: 'search' } }, (request) =>
    desk.status(request.access),
  );
}
