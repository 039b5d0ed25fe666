import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shardHealth } from './shard-health.ts';

const text = (records: number, setAside: number) => `# TYPE millrace_shard_records_total counter
millrace_shard_records_total{shard="s-2"} ${records}
millrace_shard_records_total{shard="s-1"} 5
millrace_shard_set_aside_by_reason_total{reason="a,shard=",shard="s-2"} ${setAside}
millrace_shard_set_aside_by_reason_total{reason="b",shard="s-2"} 1
millrace_shard_checkpoint_lag_ms{shard="s-2"} 1500
millrace_shard_iterator_age_ms{shard="s-2"} 30
millrace_consumer_shards 2
`;

test('each shard has its rates between two looks, its lags, and what of it was set aside', () => {
  assert.deepEqual(shardHealth(text(100, 2), text(120, 3), 2), [
    {
      shard: 's-1',
      iterator_age_ms: 0,
      checkpoint_lag_ms: 0,
      records_per_s: 0,
      events_per_s: 0,
      set_aside: 0,
    },
    {
      shard: 's-2',
      iterator_age_ms: 30,
      checkpoint_lag_ms: 1500,
      records_per_s: 10,
      events_per_s: 0,
      set_aside: 4,
    },
  ]);
});

test('a shard that came meanwhile, or began anew, has no rate yet', () => {
  assert.equal(shardHealth('', text(120, 0), 1)[1]?.records_per_s, 0);
  assert.equal(shardHealth(text(100, 0), text(3, 0), 1)[1]?.records_per_s, 0);
});
