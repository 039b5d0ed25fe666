/** How one shard is doing, from two looks at the consumer's metrics. */
export interface ShardHealth {
  shard: string;
  /** How far reading is behind the stream, milliseconds. */
  iterator_age_ms: number;
  /** Since the stream took the first record that no checkpoint covers, milliseconds. */
  checkpoint_lag_ms: number;
  /** Records of the stream a second; a record is a block of many events. */
  records_per_s: number;
  events_per_s: number;
  /** Records that were set aside since the shard's process started. */
  set_aside: number;
}

const metric = {
  iteratorAge: 'millrace_shard_iterator_age_ms',
  checkpointLag: 'millrace_shard_checkpoint_lag_ms',
  records: 'millrace_shard_records_total',
  events: 'millrace_shard_events_indexed_total',
  setAside: 'millrace_shard_set_aside_by_reason_total',
} as const;

/** Of `seconds` between the two Prometheus texts. */
export function shardHealth(first: string, second: string, seconds: number): ShardHealth[] {
  const before = shardValues(first);
  return [...shardValues(second)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([shard, now]) => {
      const value = (name: string) => now.get(name) ?? 0;
      // A process that began anew counts from 0.
      const rate = (name: string) =>
        Math.max(0, Math.round((value(name) - (before.get(shard)?.get(name) ?? value(name))) / seconds));
      return {
        shard,
        iterator_age_ms: value(metric.iteratorAge),
        checkpoint_lag_ms: value(metric.checkpointLag),
        records_per_s: rate(metric.records),
        events_per_s: rate(metric.events),
        set_aside: value(metric.setAside),
      };
    });
}

/** Sums over all other labels, by shard (the last label) and metric. */
export function shardValues(text: string): Map<string, Map<string, number>> {
  const shards = new Map<string, Map<string, number>>();
  for (const line of text.split('\n')) {
    const match = /^(millrace_shard_\w+)\{(.*)\} (\S+)$/.exec(line);
    const shard = /(?:^|,)shard="([^"]*)"$/.exec(match?.[2] ?? '')?.[1];
    const value = Number(match?.[3]);
    if (match?.[1] === undefined || shard === undefined || !Number.isFinite(value)) continue;
    const values = shards.get(shard) ?? new Map<string, number>();
    values.set(match[1], (values.get(match[1]) ?? 0) + value);
    shards.set(shard, values);
  }
  return shards;
}
