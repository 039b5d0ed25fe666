import type { Clock } from '@millrace/core/runtime/clock.ts';
import { type Follow, following } from './following.ts';
import { settled } from './history.ts';
import type {
  AccountLimits,
  Lease,
  LeaseTable,
  ReshardHistory,
  Shard,
  Stream,
  StreamState,
} from './ports.ts';

/** What resharding needs of the outside. */
export interface World {
  stream: Stream;
  leases: LeaseTable;
  clock: Clock;
}

/** A stream and its consumer at one moment. */
export interface View {
  state: StreamState;
  shards: Shard[];
  open: Shard[];
  account: AccountLimits | undefined;
  history: ReshardHistory;
  leases: Lease[] | undefined;
  follow: Map<string, Follow>;
}

/**
 * What changes slowly is taken from an earlier look: DescribeLimits may be asked once a second in the whole account.
 * @throws MillraceError STREAM_UNAVAILABLE
 */
export async function look({ stream, leases }: World, before?: View): Promise<View> {
  const [state, limits, history, held] = await Promise.all([
    stream.state(),
    before === undefined ? stream.limits() : before.account,
    before === undefined ? stream.history() : before.history,
    leases.leases(),
  ]);
  // Not together with the state: an ACTIVE stream could be seen with the shards of the change before.
  const shards = await stream.shards();
  const open = shards.filter((shard) => shard.open);
  const grown = before === undefined ? 0 : open.length - before.open.length;
  const account = limits === undefined ? undefined : { ...limits, shardsOpen: limits.shardsOpen + grown };
  const follow = following(shards, held ?? []);
  return {
    state,
    shards,
    open,
    account,
    history: state.status === 'ACTIVE' ? settled(history, shards) : history,
    leases: held,
    follow,
  };
}

/** Open shards that this stream may have by the account's limit. */
export function shardsAllowed({ account, open }: View): number {
  if (account === undefined) return Number.POSITIVE_INFINITY;
  return account.shardsMax - Math.max(0, account.shardsOpen - open.length);
}

/** Age of the oldest record that no checkpoint covers, by shard: of those that are being read, or will be. */
export async function behindOf(
  { stream, clock }: World,
  { shards, follow, leases }: View,
): Promise<Map<string, number | undefined>> {
  const checkpoints = new Map((leases ?? []).map((lease) => [lease.shard, lease.checkpoint]));
  const behind = new Map<string, number | undefined>();
  let waiting = shards.filter(({ id }) => follow.get(id) !== 'ended').map(({ id }) => id);
  for (let attempt = 0; waiting.length > 0 && attempt < probesMax; attempt++) {
    if (attempt > 0) await clock.sleep(probePauseMs);
    for (let i = 0; i < waiting.length; i += probesAtOnce) {
      await Promise.all(
        waiting.slice(i, i + probesAtOnce).map(async (id) => {
          behind.set(id, await stream.behindMs(id, checkpoints.get(id) ?? 'TRIM_HORIZON'));
        }),
      );
    }
    waiting = waiting.filter((id) => behind.get(id) === undefined);
  }
  return behind;
}

/** The consumer may have used up a shard's five reads of this second. */
const probesMax = 3;
const probePauseMs = 1_100;
const probesAtOnce = 8;
