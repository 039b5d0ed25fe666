import { MillraceError } from '@millrace/core/errors.ts';
import { jsonText } from '../../local/config-files.ts';
import { decide, type Policy } from '../../shards/decide.ts';
import { look } from '../../shards/look.ts';
import { scale } from '../../shards/scale.ts';
import { exitCodes, type Parsed } from '../command.ts';
import { integer, percentage } from './numbers.ts';
import { widestOf } from './report.ts';
import { resultText, scaleExits, scaleOptions } from './run-scale.ts';
import type { Where } from './where.ts';

/** Scaling down looks at so much of the past: a quiet night is no reason to be too small in the morning. */
const longMs = 12 * 3_600_000;
const wouldChange = 6;

/** `shards auto`: one look, one decision, at most one call's worth of change; resolves with the exit code. */
export async function auto(
  where: Where,
  parsed: Parsed,
  windowMs: number,
  say: { stdout(text: string): void; stderr(text: string): void },
): Promise<number> {
  const policy: Policy = {
    target: percentage(parsed, 'target', 60),
    downBand: 0.7,
    min: integer(parsed, 'min', 1, 1, 10_000),
    max: integer(parsed, 'max', 100, 1, 10_000),
    cooldownMs: integer(parsed, 'cooldown', 30, 0, 10_080) * 60_000,
  };
  if (policy.min > policy.max)
    throw new MillraceError('USAGE', `shards auto: --min ${policy.min} is more than --max ${policy.max}`);
  const view = await look(where);
  const recent = await where.meter.load(windowMs, []);
  // Without a past the same look has to do for both.
  const long = where.hasPast ? await where.meter.load(longMs, []) : recent;
  const decision = decide(
    {
      open: view.open.length,
      widest: widestOf(view.open),
      recent,
      long,
      history: view.history,
      nowMs: where.clock.now(),
    },
    policy,
  );
  const json = parsed.flags.json === true;
  const head = `${decision.action}: ${view.open.length} → ${decision.count} shards (${decision.why})\n`;
  const held = decision.action === 'hold';
  if (held || parsed.flags.apply !== true) {
    say.stdout(json ? jsonText({ open: view.open.length, ...decision }) : head);
    if (held) return decision.use === undefined ? exitCodes.failed : exitCodes.ok;
    return wouldChange;
  }
  const result = await scale(where, scaleOptions(where, decision.count, parsed, say));
  say.stdout(
    json
      ? jsonText({ open: view.open.length, ...decision, result })
      : head + resultText(result, decision.count),
  );
  return scaleExits[result.kind];
}
