import { Type } from '@fastify/type-provider-typebox';
import { MillraceError } from '@millrace/core/errors.ts';
import { latestNs, parseTime } from '@millrace/core/query/time.ts';
import type { Context } from '../context.ts';
import { ErrorSchema } from '../failure.ts';
import { intervalFor, intervalOf } from '../interval.ts';
import { type Plan, plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const bucketsMax = 1000;
/** Where the engines' times end. */
const latestMs = Number(latestNs / 1_000_000n);

const schema = {
  querystring: Type.Object(
    {
      ...whatParameters,
      buckets: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 500, description: 'Roughly so many buckets, of a round width' }),
      ),
      interval: Type.Optional(
        Type.String({
          pattern: '^[1-9]\\d{0,5}(ms|s|m|h|d|w)$',
          description: 'Width of a bucket: 30s, 5m, 1d',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number(),
      interval_ms: Type.Integer(),
      /** The time that was asked for; the first and last bucket may reach beyond it, but count within it only. */
      from: Type.String(),
      to: Type.String(),
      buckets: Type.Array(Type.Object({ from: Type.String(), count: Type.Integer() })),
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/histogram`: events per stretch of time, empty stretches included. */
export function histogramRoute(api: Api, { store, clock }: Context): void {
  api.get('/api/v1/histogram', { schema, config: { costly: true } }, async (request) => {
    const { buckets, interval, ...what } = request.query;
    if (buckets !== undefined && interval !== undefined)
      throw new MillraceError('QUERY_INVALID', 'buckets and interval exclude each other', {
        hint: 'pass buckets for about so many, or interval for an exact width',
      });
    const nowMs = clock.now();
    const planned = plan(what, nowMs);
    const endMs = planned.toNs === undefined ? nowMs : Number(planned.toNs / 1_000_000n);
    const fromMs = await firstMs(planned, endMs, request.signal);
    // An open end is now, unless what is asked for begins later.
    const toMs = Math.max(fromMs, endMs);
    const spanMs = Math.max(1, toMs - fromMs);
    const intervalMs = interval === undefined ? intervalFor(spanMs, buckets ?? 60) : intervalOf(interval);
    if (spanMs / intervalMs > bucketsMax)
      throw new MillraceError('QUERY_INVALID', `more than ${bucketsMax} buckets`, {
        hint: 'pass a wider interval or a shorter time',
      });
    if (Math.ceil(toMs / intervalMs) * intervalMs > latestMs)
      throw new MillraceError('QUERY_INVALID', 'the last bucket would end after the year 2262', {
        hint: 'pass a narrower interval or an earlier to',
      });
    const { indices, query } = planned;
    const response = await store.histogram({ indices, query, intervalMs, fromMs, toMs }, request.signal);
    return {
      took_ms: response.tookMs,
      interval_ms: intervalMs,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      buckets: response.buckets.map((bucket) => ({
        from: new Date(bucket.fromMs).toISOString(),
        count: bucket.count,
      })),
    };
  });

  /** Without a bound, the histogram begins with the oldest event; with none at all it has the last 15 minutes. */
  async function firstMs(planned: Plan, toMs: number, signal: AbortSignal): Promise<number> {
    if (planned.fromNs !== undefined) return Number(planned.fromNs / 1_000_000n);
    const { hits } = await store.search(
      {
        indices: planned.indices,
        query: planned.query,
        size: 1,
        order: 'asc',
        trackTotal: 0,
        highlight: false,
      },
      signal,
    );
    const oldest = hits[0]?.source['@timestamp'];
    if (typeof oldest !== 'string') return toMs - 900_000;
    return Math.min(toMs, Number(parseTime(oldest, toMs).firstNs / 1_000_000n));
  }
}
