import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Lease, LeaseTable, Shard } from './ports.ts';

/**
 * How the consumer follows one shard. `read`: somebody holds its lease, and its parents are read to their end · `ended`:
 * read to its end · `parent`: waits for a parent · `unheld`: nobody holds its lease · `new`: it has no lease yet.
 */
export type Follow = 'read' | 'ended' | 'parent' | 'unheld' | 'new';

const shardEnd = 'SHARD_END';

/** By shard. */
export function following(shards: readonly Shard[], leases: readonly Lease[]): Map<string, Follow> {
  const byShard = new Map(leases.map((lease) => [lease.shard, lease]));
  const begun = withDescendants(shards, byShard);
  const ended = (id: string) => {
    const lease = byShard.get(id);
    // The KCL removes the lease of a shard that has ended, once its children have theirs.
    return lease === undefined ? begun.has(id) : lease.checkpoint === shardEnd;
  };
  const known = new Set(shards.map(({ id }) => id));
  return new Map(
    shards.map((shard) => {
      const lease = byShard.get(shard.id);
      const follow = (): Follow => {
        if (ended(shard.id)) return 'ended';
        if (shard.parents.some((parent) => known.has(parent) && !ended(parent))) return 'parent';
        if (lease === undefined) return 'new';
        return lease.owner === undefined ? 'unheld' : 'read';
      };
      return [shard.id, follow()];
    }),
  );
}

/** Closed shards some descendant of which has a lease. */
function withDescendants(shards: readonly Shard[], leases: Map<string, Lease>): Set<string> {
  const parents = new Map(shards.map((shard) => [shard.id, shard.parents]));
  const found = new Set<string>();
  const waiting = shards.filter(({ id }) => leases.has(id)).flatMap((shard) => shard.parents);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    waiting.push(...(parents.get(id) ?? []));
  }
  return found;
}

const lookMs = 1_000;

/**
 * Looks until each lease that has a holder was renewed, for at most twice the time after which the KCL takes over:
 * the leases as they are then, and the shards whose lease stood still, which nobody reads.
 */
export async function watchLeases(
  table: LeaseTable,
  failoverMs: number,
  clock: Clock,
): Promise<{ leases: Lease[] | undefined; unread: string[] }> {
  const first = await table.leases();
  let leases = first;
  const held = (first ?? []).filter((lease) => lease.owner !== undefined && lease.checkpoint !== shardEnd);
  let still = held;
  for (let waitedMs = 0; still.length > 0 && waitedMs < 2 * failoverMs; waitedMs += lookMs) {
    await clock.sleep(lookMs);
    leases = await table.leases();
    const now = new Map((leases ?? []).map((lease) => [lease.shard, lease]));
    still = still.filter(({ shard, counter }) => {
      const lease = now.get(shard);
      return lease !== undefined && lease.checkpoint !== shardEnd && lease.counter === counter;
    });
  }
  return { leases, unread: still.map(({ shard }) => shard) };
}
