import { watchLeases } from '../../shards/following.ts';
import { shareOf, unevenBounds } from '../../shards/hash-range.ts';
import { behindOf, look, type View } from '../../shards/look.ts';
import type { Load, Shard, ShardLoad } from '../../shards/ports.ts';
import { useOf } from '../../shards/sizing.ts';
import { duration, table } from '../table.ts';
import type { Where } from './where.ts';

/** What `shards status` shows; also its JSON. */
export interface Report {
  stream: string;
  status: string;
  mode: 'on demand' | 'provisioned';
  retention_hours: number;
  open: number;
  /** Closed, and still read by the consumer or not yet begun. */
  closing: number;
  closed: number;
  even: boolean;
  /** Of the account in the region; null where the engine has none. */
  account: { shards_max: number; shards_open: number } | null;
  fan_out_consumers: number;
  /** Every open shard is read. */
  following: boolean;
  load: {
    source: string;
    bytes_per_s: number;
    records_per_s: number;
    events_per_s: number | null;
    throttled: number;
    iterator_age_ms: number | null;
  } | null;
  shards: ShardReport[];
}

interface ShardReport {
  shard: string;
  open: boolean;
  parents: string[];
  /** Part of the key space. */
  share: number;
  hash_range: { from: string; to: string };
  /** `read`, `ended`, `parent` (waits for one), `unheld`, `new`; `unread` when its lease stands still. */
  consumer: string;
  owner: string | null;
  /** Age of the oldest record that no checkpoint covers. */
  behind_ms: number | null;
  iterator_age_ms: number | null;
  bytes_per_s: number | null;
  records_per_s: number | null;
  /** The largest part of what a shard takes that is used: bytes, records, or CPU of who reads it. */
  use: number | null;
  throttled: number | null;
}

export async function reportOf(where: Where, windowMs: number): Promise<Report> {
  const view = await look(where);
  const metered = where.hasPast && !view.state.shardMetrics ? [] : view.open.map(({ id }) => id);
  const [load, watched, behind] = await Promise.all([
    where.meter.load(windowMs, metered),
    watchLeases(where.leases, where.failoverMs, where.clock),
    behindOf(where, view),
  ]);
  const owners = new Map((view.leases ?? []).map(({ shard, owner }) => [shard, owner ?? null]));
  const shards = view.shards.map((shard): ShardReport => {
    const follow = view.follow.get(shard.id) ?? 'new';
    return {
      shard: shard.id,
      open: shard.open,
      parents: shard.parents,
      share: shareOf(shard),
      hash_range: { from: String(shard.from), to: String(shard.to) },
      consumer: watched.unread.includes(shard.id) && follow !== 'ended' ? 'unread' : follow,
      owner: owners.get(shard.id) ?? null,
      behind_ms: behind.get(shard.id) ?? null,
      ...loadReport(load?.shards.get(shard.id)),
    };
  });
  return { ...streamReport(view, load, shards), shards };
}

function loadReport(
  load: ShardLoad | undefined,
): Pick<ShardReport, 'iterator_age_ms' | 'bytes_per_s' | 'records_per_s' | 'use' | 'throttled'> {
  if (load === undefined)
    return { iterator_age_ms: null, bytes_per_s: null, records_per_s: null, use: null, throttled: null };
  const { bytes, records, cpu } = useOf(load, 1);
  return {
    iterator_age_ms: load.iteratorAgeMs ?? null,
    bytes_per_s: Math.round(load.bytes),
    records_per_s: Math.round(load.records),
    use: Math.round(Math.max(bytes, records, cpu) * 1000) / 1000,
    throttled: load.throttled,
  };
}

function streamReport(
  { state, open, account }: View,
  load: Load | undefined,
  shards: ShardReport[],
): Omit<Report, 'shards'> {
  const { missing, wrong } = unevenBounds(open, Math.max(1, open.length));
  const closed = shards.filter((shard) => !shard.open);
  return {
    stream: state.name,
    status: state.status,
    mode: state.onDemand ? 'on demand' : 'provisioned',
    retention_hours: state.retentionMs / 3_600_000,
    open: open.length,
    closing: closed.filter(({ consumer }) => consumer !== 'ended').length,
    closed: closed.length,
    even: missing.length === 0 && wrong.length === 0,
    account:
      account === undefined ? null : { shards_max: account.shardsMax, shards_open: account.shardsOpen },
    fan_out_consumers: state.fanOutConsumers,
    following: shards.every((shard) => !shard.open || shard.consumer === 'read'),
    load:
      load === undefined
        ? null
        : {
            source: load.source,
            bytes_per_s: Math.round(load.peak.bytes),
            records_per_s: Math.round(load.peak.records),
            events_per_s: load.peak.events === undefined ? null : Math.round(load.peak.events),
            throttled: load.throttled,
            iterator_age_ms: load.iteratorAgeMs ?? null,
          },
  };
}

/** Closed shards that are read to their end are counted, not shown. */
export function reportText(report: Report): string {
  const { load, account } = report;
  const rows = report.shards
    .filter((shard) => shard.open || shard.consumer !== 'ended')
    .map((shard) => [
      shard.shard,
      shard.open ? 'open' : 'closed',
      `${(shard.share * 100).toFixed(1)} %`,
      shard.bytes_per_s === null ? '-' : `${(shard.bytes_per_s / 1e6).toFixed(3)} MB/s`,
      shard.records_per_s === null ? '-' : `${shard.records_per_s} /s`,
      shard.use === null ? '-' : `${Math.round(shard.use * 100)} %`,
      shard.throttled === null ? '-' : String(shard.throttled),
      shard.consumer,
      shard.behind_ms === null ? '-' : duration(shard.behind_ms / 1000),
    ]);
  const head = ['SHARD', 'STATE', 'KEYS', 'IN', 'RECORDS', 'USE', 'REFUSED', 'CONSUMER', 'BEHIND'];
  const of = account === null ? '' : `; the account has ${account.shards_open} of ${account.shards_max}`;
  return [
    `${report.stream}: ${report.status}, ${report.mode}, kept for ${report.retention_hours} h\n`,
    `${report.open} open shards${report.even ? '' : ', uneven'}, ${report.closing} closed that are not read to ` +
      `their end, ${report.closed - report.closing} that are${of}\n`,
    load === null
      ? 'nothing was measured\n'
      : `in: ${(load.bytes_per_s / 1e6).toFixed(3)} MB/s, ${load.records_per_s} records/s, ${load.throttled} refused ` +
        `(${load.source})\n`,
    table([head, ...rows]),
  ].join('');
}

/** Part of the key space of the widest one. */
export function widestOf(open: readonly Shard[]): number {
  return Math.max(...open.map(shareOf));
}
