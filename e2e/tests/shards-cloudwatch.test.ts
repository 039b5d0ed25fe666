import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createCloudWatchMeter } from '@millrace/deploy/shards/cloudwatch.ts';
import { startMoto } from '../harness/moto.ts';
import { clientOptions } from '../harness/stack.ts';

test('the load of a stream and of its shards comes from CloudWatch, by minutes', async (t) => {
  const moto = await startMoto();
  const address = { ...clientOptions, endpoint: moto.endpoint };
  const client = new CloudWatchClient(address);
  const meter = createCloudWatchMeter('logs', address, systemClock);
  t.after(() => {
    client.destroy();
    meter.close();
    moto.stop();
  });
  const shards = Array.from({ length: 150 }, (_, i) => `shardId-${i}`);
  assert.equal(await meter.load(600_000, shards.slice(0, 1)), undefined, 'no metrics are no load of 0');

  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  const put = (MetricName: string, values: number[], ShardId?: string) =>
    client.send(
      new PutMetricDataCommand({
        Namespace: 'AWS/Kinesis',
        MetricData: values.map((Value, i) => ({
          MetricName,
          Value,
          Timestamp: new Date(minute - (i + 1) * 60_000),
          Dimensions: [
            { Name: 'StreamName', Value: 'logs' },
            ...(ShardId === undefined ? [] : [{ Name: 'ShardId', Value: ShardId }]),
          ],
        })),
      }),
    );
  // Where every write is refused nothing comes in, and that is no idle stream.
  await put('WriteProvisionedThroughputExceeded', [2]);
  assert.deepEqual((await meter.load(600_000, []))?.throttled, 2);
  await put('IncomingBytes', [60_000_000, 180_000_000, 120_000_000]);
  await put('IncomingRecords', [600, 1_200]);
  await put('WriteProvisionedThroughputExceeded', [1, 4]);
  await put('GetRecords.IteratorAgeMilliseconds', [100, 9_000]);
  // Beyond the queries that one request takes.
  await put('IncomingBytes', [6_000_000], shards[149]);
  await put('IteratorAgeMilliseconds', [70], shards[149]);

  const load = await meter.load(10 * 60_000, shards);
  assert.deepEqual(load?.peak, { bytes: 3_000_000, records: 20, events: undefined });
  assert.deepEqual(load?.mean, { bytes: 600_000, records: 3, events: undefined });
  assert.deepEqual([load?.throttled, load?.iteratorAgeMs], [7, 9_000]);
  assert.deepEqual(load?.shards.get('shardId-149'), {
    bytes: 100_000,
    records: 0,
    events: undefined,
    throttled: 0,
    iteratorAgeMs: 70,
  });
  assert.equal(load?.shards.get('shardId-3')?.iteratorAgeMs, undefined);
});
