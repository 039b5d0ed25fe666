import { Type } from '@fastify/type-provider-typebox';
import { ratioOf } from '@millrace/core/patterns/change.ts';
import { formatNs } from '@millrace/core/query/time.ts';
import type { AggregateResponse } from '@millrace/core/store/aggregation.ts';
import { assertFieldAllowed, fieldAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { beforeOf, lengthNs } from '../count/before.ts';
import type { SampleEnd } from '../count/sample.ts';
import { archiveShortfall, cutShortfall, PartialSchema } from '../count/shortfalls.ts';
import { ErrorSchema } from '../failure.ts';
import type { Shortfall } from '../find/finder.ts';
import { type ComparedPattern, compared, earlier, later } from '../patterns/comparison.ts';
import { eventMiner, mine } from '../patterns/mine.ts';
import { examplesOf, patternProperties, shownPattern } from '../patterns/shown.ts';
import { type Plan, plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const Both = Type.Object({ before: Type.Integer(), after: Type.Integer() });
const Patterns = Type.Array(
  Type.Object({
    ...patternProperties,
    before: Type.Integer(),
    after: Type.Integer(),
    ratio: Type.Union([Type.Number(), Type.Null()], {
      description: 'How many times more often than before; null: it was not there before',
    }),
  }),
);
const Period = Type.Object({
  from: Type.String(),
  to: Type.String(),
  sampled: Type.Integer({ description: 'Events looked at' }),
});

const schema = {
  summary: 'What is new, gone or more than in the time before',
  querystring: Type.Object(
    {
      ...whatParameters,
      with: Type.String({
        default: 'previous',
        maxLength: 130,
        description: 'The time to compare with: previous, as long and right before; or FROM..TO',
      }),
      size: Type.Integer({ default: 20, minimum: 1, maximum: 100, description: 'Patterns of each kind' }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      took_ms: Type.Number(),
      before: Period,
      after: Period,
      new: Patterns,
      gone: Patterns,
      changed: Patterns,
      totals: Type.Object({
        before: Type.Integer(),
        after: Type.Integer(),
        levels: Type.Record(Type.String(), Both),
        patterns: Type.Object({ new: Type.Integer(), gone: Type.Integer(), changed: Type.Integer() }),
      }),
      partial: PartialSchema,
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/compare`: what is new, gone or much more or less often than in the time before. */
export function compareRoute(api: Api, context: Context): void {
  const { store, horizons, clock, config } = context;
  api.get('/api/v1/compare', { schema, config: { scope: 'search', costly: true } }, async (request) => {
    const { with: withWhat, size, ...what } = request.query;
    const { access, signal } = request;
    assertFieldAllowed(access, 'message');
    const startMs = clock.monotonic();
    const nowMs = clock.now();
    const after = plan(what, nowMs, access);
    const before = plan({ ...what, ...beforeOf(withWhat, after, nowMs) }, nowMs, access);
    const miner = eventMiner(context);
    const { patterns_sample_max, patterns_ms } = config.limits;
    const half = { max: Math.floor(patterns_sample_max / 2), msWanted: patterns_ms / 2 };
    const mined = (planned: Plan, group: number) =>
      mine(context, miner, { plan: planned, nowMs, access, ...half, group }, signal);
    const [[now, then], levels, shortfalls] = await Promise.all([
      // The later time first: examples are of it where there are some.
      mined(after, later).then(async (done) => [done, await mined(before, earlier)] as const),
      fieldAllowed(access, 'log.level')
        ? levelsOf(context, before, after, signal)
        : { counts: {}, partial: [] },
      archiveShortfall(horizons, what, spanning(before, after), access),
    ]);
    const lengths = [before, after].map((planned) => Number(lengthNs(planned, nowMs)));
    const share = (lengths[0] ?? 0) / ((lengths[0] ?? 0) + (lengths[1] ?? 0));
    const found = compared(miner.patterns(), share, Math.min(seenOf(now), seenOf(then)));
    const lists = [found.fresh, found.gone, found.changed].map((list) => list.slice(0, size));
    const listed = lists.flat().map(({ pattern }) => pattern);
    const examples = await examplesOf(store, [before, after], listed, access, signal);
    const [fresh = [], gone = [], changed = []] = lists.map((list) =>
      list.map((each) => shownChange(each, examples)),
    );
    return {
      took_ms: clock.monotonic() - startMs,
      before: { ...shownTime(before, nowMs), sampled: then.looked },
      after: { ...shownTime(after, nowMs), sampled: now.looked },
      new: fresh,
      gone,
      changed,
      totals: {
        before: then.total,
        after: now.total,
        levels: levels.counts,
        patterns: { new: found.fresh.length, gone: found.gone.length, changed: found.changed.length },
      },
      partial: [...now.partial, ...then.partial, ...levels.partial, ...shortfalls],
    };
  });
}

type Examples = Parameters<typeof shownPattern>[1];

function shownChange({ pattern, change }: ComparedPattern, examples: Examples) {
  const { before, after } = change;
  return {
    ...shownPattern(pattern, examples),
    before,
    after,
    ratio: before === 0 ? null : ratioOf(change),
  };
}

function shownTime({ fromNs, toNs }: Plan, nowMs: number): { from: string; to: string } {
  return { from: formatNs(fromNs ?? 0n), to: formatNs(toNs ?? BigInt(nowMs) * 1_000_000n) };
}

function seenOf({ looked, total }: SampleEnd): number {
  return total === 0 ? 1 : Math.min(1, looked / total);
}

/** Either time may be the earlier one. */
function spanning(a: Plan, b: Plan): Plan {
  const earliest = (x: bigint, y: bigint) => (x < y ? x : y);
  const latest = (x: bigint, y: bigint) => (x > y ? x : y);
  return {
    ...a,
    fromNs: a.fromNs === undefined || b.fromNs === undefined ? undefined : earliest(a.fromNs, b.fromNs),
    toNs: a.toNs === undefined || b.toNs === undefined ? undefined : latest(a.toNs, b.toNs),
  };
}

/** Levels are few, and counted exactly. */
async function levelsOf(
  { store, config }: Context,
  before: Plan,
  after: Plan,
  signal: AbortSignal,
): Promise<{ counts: Record<string, { before: number; after: number }>; partial: Shortfall[] }> {
  const parts = { levels: { type: 'values', field: 'log.level', size: 10, order: 'most' } } as const;
  const timeMsMax = config.limits.query_ms_max;
  const [then, now] = await Promise.all(
    [before, after].map(({ indices, query }) =>
      store.aggregate({ indices, query, parts, timeMsMax }, signal),
    ),
  );
  const countsOf = (answer: AggregateResponse | undefined) =>
    new Map((answer?.parts.levels?.buckets ?? []).map(({ value, count }) => [String(value), count]));
  const [thenBy, nowBy] = [countsOf(then), countsOf(now)];
  const counts = Object.fromEntries(
    [...new Set([...thenBy.keys(), ...nowBy.keys()])].map((level) => [
      level,
      { before: thenBy.get(level) ?? 0, after: nowBy.get(level) ?? 0 },
    ]),
  );
  return { counts, partial: then?.cut === true || now?.cut === true ? [cutShortfall] : [] };
}
