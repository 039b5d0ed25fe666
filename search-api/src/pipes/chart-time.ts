import { queryError } from '@millrace/core/query/ast.ts';
import type { TimechartPipe } from '@millrace/core/query/pipes/pipe.ts';
import { type ChartTime, chartBounds, stretchesMax } from '@millrace/core/query/pipes/table.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import { intervalFor } from '../interval.ts';
import type { Plan } from '../plan.ts';

/** Stretches that a timechart without a width has, about. */
const stretchesChosen = 60;
/** Where nothing was found. */
const emptyMs = 900_000;

/**
 * From when to when a timechart goes, and how wide its stretches are. `oldest` is asked when the plan has no beginning.
 * @throws MillraceError QUERY_INVALID for more stretches than are drawn
 */
export async function chartTime(
  pipe: TimechartPipe,
  plan: Plan,
  nowMs: number,
  oldest: () => Promise<string | undefined>,
): Promise<ChartTime> {
  const endMs = plan.toNs === undefined ? nowMs + 1 : Number(plan.toNs / 1_000_000n) + 1;
  const fromMs =
    plan.fromNs === undefined ? firstMs(await oldest(), endMs) : Number(plan.fromNs / 1_000_000n);
  // An open end is now, unless what is asked for begins later.
  const toMs = Math.max(fromMs + 1, endMs);
  const intervalMs = pipe.intervalMs ?? intervalFor(toMs - fromMs, stretchesChosen);
  const time = { fromMs, toMs, intervalMs };
  const { first, end } = chartBounds(time);
  const stretches = (end - first) / intervalMs;
  if (stretches > stretchesMax)
    throw queryError(
      pipe.at,
      `a timechart of ${stretches} stretches, ${stretchesMax} at most`,
      'write a wider one, as in timechart 1h, or none to have it chosen; or ask for a shorter time',
    );
  return time;
}

function firstMs(oldest: string | undefined, endMs: number): number {
  if (oldest === undefined) return endMs - emptyMs;
  return Math.min(endMs - 1, Number(parseTime(oldest, endMs).firstNs / 1_000_000n));
}
