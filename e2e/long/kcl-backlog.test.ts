import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { leaseCheckpoints } from '../harness/leases.ts';
import { openShards, splitTo } from '../harness/shards.ts';
import { clientOptions, endpoint, eventually, stackUnderTest } from '../harness/stack.ts';
import { Worker } from '../harness/worker.ts';

const stack = stackUnderTest();
const shardsWanted = 8;
const blocksEach = 24;

test('a backlog of the largest blocks in many shards fits into the memory of the daemon', async (t) => {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  await splitTo(stack, shardsWanted);
  const last = new Map<string, string>();
  for (const { ShardId = '', HashKeyRange } of await openShards(stack)) {
    for (let i = 0; i < blocksEach; i++) {
      const run = {
        bytes: randomBytes(900_000),
        from: i * 900_000,
        capturedMs: Date.now(),
        multiline: false,
      };
      const { header, payload } = blockOf([run]);
      const Data = encodeBlock({ ...header, agent: randomBytes(16) }, payload);
      const key = { PartitionKey: 'k', ExplicitHashKey: HashKeyRange?.StartingHashKey };
      const put = new PutRecordCommand({ StreamName: 'millrace', Data, ...key });
      const { SequenceNumber = '' } = await client.send(put);
      last.set(ShardId, SequenceNumber);
    }
  }
  client.destroy();
  const worker = new Worker(stack, 'backlog', (config) => {
    config.application = 'backlog';
  });
  t.after(() => worker.kill());
  worker.start();
  await eventually('every shard is checkpointed to its end', 300, async () => {
    const now = await leaseCheckpoints(stack, 'backlog');
    const done = [...last].filter(([shard, sequence]) => BigInt(now.get(shard) ?? 0) >= BigInt(sequence));
    return done.length === last.size ? true : undefined;
  });
  assert.deepEqual(worker.events('daemon_exited'), [], 'the daemon never went away');
});
