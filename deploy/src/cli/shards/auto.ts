import { MillraceError } from '@millrace/core/errors.ts';
import { type Decision, decide, type Policy } from '../../shards/decide.ts';
import { look, type View } from '../../shards/look.ts';
import type { Load } from '../../shards/ports.ts';
import { type ScaleResult, scale } from '../../shards/scale.ts';
import { exitCodes, type Parsed } from '../command.ts';
import { integer, percentage } from './numbers.ts';
import { widestOf } from './report.ts';
import { resultText, scaleExits, scaleOptions } from './run-scale.ts';
import type { Where } from './where.ts';

/** Scaling down looks at so much of the past: a quiet night is no reason to be too small in the morning. */
const longMs = 12 * 3_600_000;
/** Exit codes besides those of `scale`. */
const wouldChange = 6;
const needsSomebody = 7;

interface Say {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** `shards auto`: one look, one decision, at most one call's worth of change; resolves with the exit code. */
export async function auto(where: Where, parsed: Parsed, windowMs: number, say: Say): Promise<number> {
  const policy = policyOf(parsed);
  const view = await look(where);
  // A run of the schedule begins while an earlier one still waits: what the stream will be is not known.
  if (view.state.status !== 'ACTIVE')
    return told({ open: view.open.length, decision: waiting(view), exit: exitCodes.ok }, parsed, say);
  const recent = await where.meter.load(windowMs, []);
  // Without a past the same look has to do for both.
  const long = where.hasPast ? await where.meter.load(longMs, []) : recent;
  const open = view.open.length;
  const decision = decide(
    {
      open,
      widest: widestOf(view.open),
      recent,
      long,
      history: view.history,
      nowMs: where.clock.now(),
    },
    policy,
  );
  if (decision.action === 'hold')
    return told({ open, decision, exit: heldExit(decision, recent, where) }, parsed, say);
  if (parsed.flags.apply !== true) return told({ open, decision, exit: wouldChange }, parsed, say);
  const options = scaleOptions(where, decision.count, parsed, say);
  const result = await scale(where, { ...options, decidedOn: view });
  return told({ open, decision, result, exit: scaleExits[result.kind] }, parsed, say);
}

/** @throws MillraceError USAGE */
function policyOf(parsed: Parsed): Policy {
  const policy: Policy = {
    target: percentage(parsed, 'target', 60),
    downBand: 0.7,
    min: integer(parsed, 'min', 1, 1, 10_000),
    max: integer(parsed, 'max', 100, 1, 10_000),
    cooldownMs: integer(parsed, 'cooldown', 30, 0, 10_080) * 60_000,
  };
  if (policy.min > policy.max)
    throw new MillraceError('USAGE', `shards auto: --min ${policy.min} is more than --max ${policy.max}`);
  return policy;
}

function waiting({ state, open }: View): Decision {
  const why = `the stream is ${state.status}: somebody changes it`;
  return { action: 'hold', count: open.length, why, stuck: false, use: undefined };
}

/** CloudWatch has no numbers of a stream that nothing comes into; consumers that tell of no shard are no idle stream. */
function heldExit(decision: Decision, recent: Load | undefined, { hasPast }: Where): number {
  if (decision.stuck) return needsSomebody;
  return recent === undefined && !hasPast ? exitCodes.failed : exitCodes.ok;
}

interface Outcome {
  open: number;
  decision: Decision;
  result?: ScaleResult;
  exit: number;
}

/** As JSON one line with an event, as programs log: an alarm counts lines by their exit code. */
function told({ open, decision, result, exit }: Outcome, parsed: Parsed, say: Say): number {
  const line = { event: 'shards_auto', exit, open, ...decision, ...(result === undefined ? {} : { result }) };
  const head = `${decision.action}: ${open} → ${decision.count} shards (${decision.why})\n`;
  const done = result === undefined ? '' : resultText(result, decision.count);
  say.stdout(parsed.flags.json === true ? `${JSON.stringify(line)}\n` : head + done);
  return exit;
}
