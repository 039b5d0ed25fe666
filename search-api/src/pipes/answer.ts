import { isMillraceError } from '@millrace/core/errors.ts';
import { countInStore } from '@millrace/core/query/pipes/count-in-store.ts';
import { pushDown } from '@millrace/core/query/pipes/push-down.ts';
import type { PipeShape } from '@millrace/core/query/pipes/shape.ts';
import type { ChartTime, Table } from '@millrace/core/query/pipes/table.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { SearchHit, Store } from '@millrace/core/store/port.ts';
import type { Access } from '../access/access.ts';
import type { Context } from '../context.ts';
import type { Finder, FindRequest, FindSource, Shortfall } from '../find/finder.ts';
import type { Hit } from '../hit.ts';
import type { HitFields } from '../hit-fields.ts';
import type { Plan } from '../plan.ts';
import { chartTime } from './chart-time.ts';
import { piped } from './piped.ts';

export interface PipesRequest {
  plan: Plan;
  shape: PipeShape;
  access: Access;
  nowMs: number;
  source: FindSource;
  /** Finds what the store does not have: then the store counts what it has, where it can. */
  besideStore?: Finder | undefined;
}

export interface PipesAnswer {
  tookMs: number;
  /** Events that were looked at, or counted. */
  seen: number;
  hits: Hit[];
  table: Table | undefined;
  partial: Shortfall[];
}

/** Whether a query's pipes need an answer of their own: `fields`, and a sort by time, do not. */
export function isPiped({ table, events }: PipeShape): boolean {
  return table !== undefined || events.length > 0;
}

/** A row as it is shown: with the fields asked for, and how many `dedup` folded into it, which was not asked for. */
export function pipedRow(hit: Hit, wanted: HitFields | undefined): ReturnType<HitFields['of']> {
  if (wanted === undefined) return hit;
  const { count } = hit;
  return { ...wanted.of(hit), ...(count === undefined ? {} : { count }) };
}

/**
 * Answers a query with pipes: counted by the store where it can, else from the events, as far as the bounds of time and
 * of events go.
 * @throws MillraceError QUERY_INVALID, and what stores and finders throw
 */
export async function answerPipes(
  { store, finder, clock, config: { limits } }: Pick<Context, 'store' | 'finder' | 'clock' | 'config'>,
  request: PipesRequest,
  signal: AbortSignal,
): Promise<PipesAnswer> {
  const { plan, shape, access, source, besideStore } = request;
  const started = clock.monotonic();
  const find = { plan, source, order: shape.order, highlight: false, timeMsMax: limits.query_ms_max };
  const time = await timeOf(request, () => oldestTime(finder, find, signal));
  const hits: Hit[] = [];
  const partial: Shortfall[] = [];
  const run = piped(shape, access, limits, time, (hit) => {
    if (hits.length < limits.rows_max) hits.push(hit);
    else if (partial.length === 0) partial.push(tooManyRows(limits.rows_max));
  });
  const counted =
    source !== 'archive' && (await storeCounts(store, request, time, run.groups, limits, signal));
  let seen = 0;
  if (counted === false || besideStore !== undefined) {
    const reader = counted === false ? finder : (besideStore ?? finder);
    const untilMs = started + limits.query_ms_max;
    // Rows that are not shown need not be read.
    const add: Reading['add'] = (found) => run.add(found) && partial.length === 0;
    const read = await readEvents(reader, find, { add, clock, untilMs, max: limits.events_max }, signal);
    seen = read.seen;
    partial.push(...read.partial);
  }
  if (counted !== false && counted.cut) partial.push(outOfTime(limits.query_ms_max));
  const end = run.end();
  return {
    tookMs: Math.round(clock.monotonic() - started),
    seen: shape.table === undefined ? seen : Math.max(seen, run.groups.total),
    hits,
    table: end.table,
    partial: [...partial, ...end.partial],
  };
}

async function timeOf(
  { shape: { table }, plan, nowMs }: PipesRequest,
  oldest: () => Promise<string | undefined>,
): Promise<ChartTime | undefined> {
  return table?.type === 'timechart' ? chartTime(table, plan, nowMs, oldest) : undefined;
}

/** False: the store cannot count this, or it is down and the archive is asked instead. */
async function storeCounts(
  store: Store,
  { plan, shape, source, besideStore }: PipesRequest,
  time: ChartTime | undefined,
  groups: Parameters<typeof countInStore>[3],
  limits: Context['config']['limits'],
  signal: AbortSignal,
): Promise<{ cut: boolean } | false> {
  const merged = besideStore !== undefined;
  const pushed = pushDown(shape, { groupsMax: limits.groups_max, time, merged });
  if (pushed === undefined) return false;
  const { indices, query } = plan;
  const asked = { indices, query, timeMsMax: limits.query_ms_max };
  try {
    return await countInStore(store, pushed, asked, groups, signal);
  } catch (error) {
    if (source === 'auto' && isMillraceError(error, 'STORE_UNAVAILABLE')) return false;
    throw error;
  }
}

interface Reading {
  /** False: no further event is needed. */
  add(found: SearchHit): boolean;
  clock: Clock;
  /** By the monotonic clock. */
  untilMs: number;
  max: number;
}

/** Events between two looks at the clock. */
const lookEvery = 256;

async function readEvents(
  finder: Finder,
  find: Omit<FindRequest, 'limit'>,
  { add, clock, untilMs, max }: Reading,
  signal: AbortSignal,
): Promise<{ seen: number; partial: Shortfall[] }> {
  const found = finder({ ...find, limit: max }, signal);
  let seen = 0;
  for (;;) {
    const next = await found.next();
    if (next.done === true) {
      const short = seen >= max ? [tooManyEvents(max)] : [];
      return { seen, partial: [...next.value.partial, ...short] };
    }
    seen++;
    const late = seen % lookEvery === 0 && clock.monotonic() > untilMs;
    if (add(next.value) && !late) continue;
    await found.return({ partial: [] });
    return { seen, partial: late ? [lateAt(seen)] : [] };
  }
}

async function oldestTime(
  finder: Finder,
  find: Omit<FindRequest, 'limit'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = finder({ ...find, order: 'asc', limit: 1 }, signal);
  const first = await found.next();
  await found.return({ partial: [] });
  return first.done === true ? undefined : String(first.value.source['@timestamp']);
}

function outOfTime(ms: number): Shortfall {
  return { code: 'time', message: `the store stopped counting after ${ms} ms; ask for a shorter time` };
}

function lateAt(seen: number): Shortfall {
  return { code: 'time', message: `time was up after ${seen} events; ask for a shorter time` };
}

function tooManyEvents(max: number): Shortfall {
  return { code: 'rows', message: `only the first ${max} events were looked at; ask for a shorter time` };
}

function tooManyRows(max: number): Shortfall {
  return {
    code: 'rows',
    message: `an answer has ${max} rows at most; write head ${max}, or a pipe that counts`,
  };
}
