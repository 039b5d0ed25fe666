import { Type } from '@fastify/type-provider-typebox';
import { assertFieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { archiveShortfall, PartialSchema } from '../count/shortfalls.ts';
import { ErrorSchema } from '../failure.ts';
import { eventMiner, mine } from '../patterns/mine.ts';
import { examplesOf, patternProperties, shownPattern } from '../patterns/shown.ts';
import { plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const schema = {
  summary: 'Messages by what they have in common',
  querystring: Type.Object(
    {
      ...whatParameters,
      order: Type.Union([Type.Literal('rare'), Type.Literal('common')], { default: 'rare' }),
      size: Type.Integer({ default: 50, minimum: 1, maximum: 500 }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number(),
      patterns: Type.Array(
        Type.Object({
          ...patternProperties,
          count: Type.Integer({ description: 'Estimated when sampled is less than total' }),
          share: Type.Number(),
        }),
      ),
      patterns_total: Type.Integer({ description: 'Patterns found, with those that are not listed' }),
      other: Type.Integer({ description: 'Events of patterns that were given up for others' }),
      sampled: Type.Integer({ description: 'Events looked at' }),
      total: Type.Integer({ description: 'Events that match' }),
      partial: PartialSchema,
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/patterns`: what messages have in common, the rare ones first. */
export function patternsRoute(api: Api, context: Context): void {
  const { store, horizons, clock, config } = context;
  api.get('/api/v1/patterns', { schema, config: { scope: 'search', costly: true } }, async (request) => {
    const { order, size, ...what } = request.query;
    const { access, signal } = request;
    assertFieldAllowed(access, 'message');
    const startMs = clock.monotonic();
    const nowMs = clock.now();
    const planned = plan(what, nowMs, access);
    const miner = eventMiner(context);
    const { patterns_sample_max: max, patterns_ms: msWanted } = config.limits;
    const [{ total, looked, partial }, shortfalls] = await Promise.all([
      mine(context, miner, { plan: planned, nowMs, access, max, msWanted }, signal),
      archiveShortfall(horizons, what, planned, access),
    ]);
    const all = miner.patterns();
    if (order === 'rare') all.reverse();
    const listed = all.slice(0, size);
    const examples = await examplesOf(store, [planned], listed, access, signal);
    return {
      took_ms: clock.monotonic() - startMs,
      patterns: listed.map((pattern) => ({
        ...shownPattern(pattern, examples),
        count: pattern.count,
        share: total === 0 ? 0 : pattern.count / total,
      })),
      patterns_total: all.length,
      other: Math.round(miner.other[0] ?? 0),
      sampled: looked,
      total,
      partial: [...partial, ...shortfalls],
    };
  });
}
