import { Type } from '@fastify/type-provider-typebox';
import { MillraceError } from '@millrace/core/errors.ts';
import { latestNs } from '@millrace/core/query/time.ts';
import { assertFieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { countedField } from '../count/counted-field.ts';
import { drawHistogram } from '../count/histogram.ts';
import { archiveShortfall, cutShortfall, PartialSchema } from '../count/shortfalls.ts';
import { spanOf, type TimeSpan } from '../count/span.ts';
import { ErrorSchema } from '../failure.ts';
import { intervalFor, intervalOf } from '../interval.ts';
import { plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const bucketsMax = 1000;
/** Where the engines' times end. */
const latestMs = Number(latestNs / 1_000_000n);

const schema = {
  summary: 'Events by stretch of time',
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
      by: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 256,
          description: 'A field: each bucket is parted by its most frequent values',
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
      buckets: Type.Array(
        Type.Object({
          from: Type.String(),
          count: Type.Integer(),
          /** With `by`: events by value, and those of other values or of none. */
          by: Type.Optional(
            // A record's pattern leaves out names with line breaks, which values may have.
            Type.Object({}, { additionalProperties: Type.Integer() }),
          ),
          other: Type.Optional(Type.Integer()),
        }),
      ),
      partial: PartialSchema,
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/histogram`: events per stretch of time, empty stretches included. */
export function histogramRoute(api: Api, { store, horizons, clock, config }: Context): void {
  const { limits } = config;
  api.get('/api/v1/histogram', { schema, config: { scope: 'search', costly: true } }, async (request) => {
    const { buckets, interval, by, ...what } = request.query;
    const { access, signal } = request;
    if (buckets !== undefined && interval !== undefined)
      throw new MillraceError('QUERY_INVALID', 'buckets and interval exclude each other', {
        hint: 'pass buckets for about so many, or interval for an exact width',
      });
    if (by !== undefined) assertFieldAllowed(access, by);
    const field = by === undefined ? undefined : countedField(by);
    const nowMs = clock.now();
    const planned = plan(what, nowMs, access);
    const span = await spanOf(store, planned, nowMs, signal);
    const intervalMs = intervalIn(span, buckets ?? 60, interval);
    const [drawn, shortfalls] = await Promise.all([
      drawHistogram(store, planned, { ...span, intervalMs }, field, limits.query_ms_max, signal),
      archiveShortfall(horizons, what, planned, access),
    ]);
    return {
      took_ms: drawn.tookMs,
      interval_ms: intervalMs,
      from: new Date(span.fromMs).toISOString(),
      to: new Date(span.toMs).toISOString(),
      buckets: drawn.buckets.map(({ fromMs, ...bucket }) => ({
        from: new Date(fromMs).toISOString(),
        ...bucket,
      })),
      partial: [...(drawn.cut ? [cutShortfall] : []), ...shortfalls],
    };
  });
}

/** @throws MillraceError QUERY_INVALID: more buckets than anyone draws, or one that ends where no time is */
function intervalIn({ fromMs, toMs }: TimeSpan, buckets: number, interval: string | undefined): number {
  const spanMs = Math.max(1, toMs - fromMs);
  const intervalMs = interval === undefined ? intervalFor(spanMs, buckets) : intervalOf(interval);
  if (spanMs / intervalMs > bucketsMax)
    throw new MillraceError('QUERY_INVALID', `more than ${bucketsMax} buckets`, {
      hint: 'pass a wider interval or a shorter time',
    });
  if (Math.ceil(toMs / intervalMs) * intervalMs > latestMs)
    throw new MillraceError('QUERY_INVALID', 'the last bucket would end after the year 2262', {
      hint: 'pass a narrower interval or an earlier to',
    });
  return intervalMs;
}
