import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Type } from '@fastify/type-provider-typebox';
import type { WebSocket } from '@fastify/websocket';
import { MillraceError } from '@millrace/core/errors.ts';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { ErrorSchema, failure, Refused } from '../failure.ts';
import { plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';
import { Seat } from '../tail/seat.ts';
import { type TailQuery, tailCursorMax } from '../tail/tail-cursor.ts';
import { Tails } from '../tail/tails.ts';
import { eventText, socketText } from '../tail/wire-message.ts';

const { q, stream } = whatParameters;

const querystring = Type.Object(
  {
    q,
    stream,
    since: Type.Optional(
      Type.String({
        maxLength: tailCursorMax,
        description:
          'The cursor of the last message, or a time (now-5m): begins with what arrived since; absent: with what is new',
      }),
    ),
    rate: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Events a second at most; of more, the newest are sent and the others counted',
      }),
    ),
  },
  { additionalProperties: false },
);

const response = {
  200: Type.String({ description: 'Events hits, skipped, state and error; `id` is the cursor' }),
  default: ErrorSchema,
};

interface Question extends TailQuery {
  since?: string;
  rate?: number;
}

/** `GET /api/v1/tail`, and the same over a WebSocket: what arrives, as it arrives. */
export function tailRoutes(api: Api, context: Context): void {
  const { store, clock, config, telemetry } = context;
  const tails = new Tails({ store, clock, config: config.tail });
  telemetry.gauge('tail_viewers', 'Viewers of the live tail', () => tails.viewers);
  const seats = new WeakMap<FastifyRequest, Seat>();
  api.addHook('preClose', () => tails.close());

  api.get(
    '/api/v1/tail',
    {
      schema: {
        summary: 'What arrives, as it arrives',
        produces: ['text/event-stream'],
        querystring,
        response,
      },
      config: { scope: 'tail' },
      // An answer that does not end has no head: who asks for it waits on this connection for ever.
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const since = lastEventId(request) ?? request.query.since;
      const question = { ...request.query, ...(since === undefined ? {} : { since }) };
      const seat = takeSeat(tails, context, request, question);
      reply.hijack();
      const { raw } = reply;
      const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream; charset=utf-8' };
      // Some reverse proxies gather answers unless told not to.
      raw.writeHead(200, { ...headers, 'x-accel-buffering': 'no' } as OutgoingHttpHeaders);
      raw.write('retry: 1000\n\n');
      await seat.serve((message) => written(raw, eventText(message), seat.signal));
      raw.end();
    },
  );

  api.get(
    '/api/v1/tail/ws',
    {
      websocket: true,
      schema: {
        summary: 'Events as they arrive (WebSocket)',
        querystring,
        response: {
          101: Type.Null({ description: 'Messages as of /api/v1/tail, as JSON' }),
          default: ErrorSchema,
        },
      },
      config: { scope: 'tail' },
      // Before the connection becomes a WebSocket: a refusal is an answer like any other.
      preHandler: async (request) => {
        if (!request.ws) return;
        seats.set(request, takeSeat(tails, context, request, request.query as Question));
      },
    },
    (socket, request) => {
      const seat = seats.get(request as FastifyRequest);
      if (seat === undefined) return socket.close();
      socket.on('message', (data) => seat.obey(String(data)));
      void seat.serve((message) => sent(socket, socketText(message))).then(() => socket.close(1001));
    },
  );
}

/** @throws Refused 429; MillraceError QUERY_INVALID */
function takeSeat(
  tails: Tails,
  { clock, telemetry }: Context,
  { access, raw }: Pick<FastifyRequest, 'access' | 'raw'>,
  { q, stream, since, rate }: Question,
): Seat {
  const query: TailQuery = { q, ...(stream === undefined ? {} : { stream }) };
  // Whatever arrives, also what is dated long ago: a file that was not read for a day is news.
  const planned = plan({ ...query, from: '*', to: '*' }, clock.now(), access);
  const counting = planned.pipes.find(({ type }) => type !== 'fields');
  if (counting !== undefined)
    throw new MillraceError('QUERY_INVALID', `a tail has no end, so there is no ${counting.type} of it`, {
      hint: 'leave the pipe out, or search a time that is over',
      at: counting.at,
    });
  const viewer = tails.open({ plan: planned, from: tails.begin(since, query), rate });
  if (viewer === undefined)
    throw new Refused(
      failure(429, 'busy', 'BUSY', 'as many watch as may at a time', 'try later, or raise tail.viewers_max'),
    );
  const seat = new Seat(tails, viewer, { access, query, telemetry });
  raw.socket.once('close', () => seat.leave());
  if (raw.socket.destroyed) seat.leave();
  return seat;
}

/** What a browser sends by itself when it connects again; newer than what the address says. */
function lastEventId({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** Waits while the client does not read: what arrives meanwhile is bounded by its viewer. */
async function written(raw: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!raw.write(text) && !signal.aborted) await once(raw, 'drain', { signal });
}

function sent(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
