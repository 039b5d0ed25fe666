import { countLimits } from './count-steps.ts';
import { shardsAllowed, type View } from './look.ts';

export interface Rules {
  /** Open shards that are wanted. */
  count: number;
  /** Part of the retention that the oldest record without a checkpoint may have used up. */
  behindMax: number;
  /** Nothing of Millrace reads this stream: nobody is waited for. */
  noConsumer: boolean;
}

export interface Reading {
  behind: ReadonlyMap<string, number | undefined>;
  /** Shards whose lease nobody renewed. */
  unread: readonly string[];
}

/** Why the shards must not be changed now: sentences with what to do. Empty: nothing speaks against it. */
export function refusals(view: View, reading: Reading, rules: Rules): string[] {
  return [...ofTheStream(view, rules), ...(rules.noConsumer ? [] : ofTheConsumer(view, reading, rules))];
}

function ofTheStream(view: View, { count }: Rules): string[] {
  const { state, open, account } = view;
  const reasons: string[] = [];
  if (state.onDemand)
    reasons.push(
      `${state.name} is on demand: Kinesis chooses the shards itself. To choose them, change the mode first ` +
        '(UpdateStreamMode, twice in 24 hours at most)',
    );
  if (state.status === 'DELETING') reasons.push(`${state.name} is being deleted`);
  if (Math.max(count, open.length) > countLimits.shards)
    reasons.push(`a stream scales to ${countLimits.shards} shards at most; ask AWS for more`);
  // Fewer than now never are too many, whatever the others of the account have.
  if (count > open.length && count > shardsAllowed(view))
    reasons.push(
      `the account has ${account?.shardsOpen} of ${account?.shardsMax} shards open in this region, so this stream ` +
        `may have ${shardsAllowed(view)}, not ${count}: ask for more in Service Quotas`,
    );
  return reasons;
}

function ofTheConsumer(view: View, { behind, unread }: Reading, { behindMax }: Rules): string[] {
  if (view.leases === undefined || view.leases.length === 0)
    return [
      'there is no lease of any shard, so no consumer follows: start it, check --application, or say ' +
        '--no-consumer when none of Millrace is meant to read this stream',
    ];
  const reasons: string[] = [];
  // Some of many have no holder for a moment, after every change; when it is all of them, no worker runs.
  const nobody = ![...view.follow.values()].includes('read');
  const alone = nobody ? view.open.map(({ id }) => id) : [...unread].sort();
  if (alone.length > 0)
    reasons.push(
      `nobody reads ${some(alone)}: start workers, or raise leases.shards_max; what is in a shard that is closed ` +
        'now would wait behind what is in it already',
    );
  const blind = [...behind].filter(([, ms]) => ms === undefined).map(([id]) => id);
  if (blind.length > 0)
    reasons.push(`how far the consumer is behind in ${some(blind)} cannot be seen; try again in a moment`);
  const allowedMs = view.state.retentionMs * behindMax;
  const late = [...behind].filter(([, ms]) => ms !== undefined && ms > allowedMs).map(([id]) => id);
  const worstMs = Math.max(0, ...[...behind.values()].map((ms) => ms ?? 0));
  if (late.length > 0)
    reasons.push(
      `${some(late)}: the oldest record that is not archived is ${hours(worstMs)} old, and the stream forgets after ` +
        `${hours(view.state.retentionMs)}; allowed is ${Math.round(behindMax * 100)} % of that. What is read after ` +
        'resharding waits for all that was before: add workers and wait, or lengthen the retention first',
    );
  return reasons;
}

function some(shards: string[]): string {
  const named = shards.slice(0, 3).join(', ');
  return shards.length > 3 ? `${named} and ${shards.length - 3} more` : named;
}

function hours(ms: number): string {
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
