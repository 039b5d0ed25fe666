import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createStreamStore } from './stream-store.ts';

test('at the end of a split shard GetRecords names the children, as the KCL needs it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-stream-'));
  const path = join(dir, 'db');
  const times = { createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0 };
  const server = createStreamStore({ path, ...times, shardLimit: 10 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new KinesisClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    requestHandler: new NodeHttpHandler(),
  });
  t.after(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true, force: true });
  });
  const stream = { StreamName: 's' };
  const active = async () => {
    for (let i = 0; i < 200; i++) {
      const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand(stream));
      if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
      await systemClock.sleep(20);
    }
    assert.fail('the stream does not become active');
  };
  await client.send(new CreateStreamCommand({ ...stream, ShardCount: 1 }));
  await active();
  const parent = 'shardId-000000000000';
  const half = String(2n ** 127n);
  await client.send(new SplitShardCommand({ ...stream, ShardToSplit: parent, NewStartingHashKey: half }));
  await active();
  const first = await client.send(
    new GetShardIteratorCommand({ ...stream, ShardId: parent, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  let iterator = first.ShardIterator;
  for (let i = 0; i < 20 && iterator; i++) {
    const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
    iterator = answer.NextShardIterator;
    if (iterator) continue;
    const children = answer.ChildShards?.map((child) => [child.ShardId, child.ParentShards]);
    assert.deepEqual(children, [
      ['shardId-000000000001', [parent]],
      ['shardId-000000000002', [parent]],
    ]);
    return;
  }
  assert.fail('the parent shard does not end');
});
