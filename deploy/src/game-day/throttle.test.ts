import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { startThrottledStream } from './throttle.ts';

test('the SDK meets the refusal that it knows from Kinesis, and its calls pass again afterwards', async (t) => {
  const stream = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    answer.end(JSON.stringify({ FailedRecordCount: 0, Records: [{ ShardId: 's', SequenceNumber: '1' }] }));
  });
  stream.listen(0, '127.0.0.1');
  await once(stream, 'listening');
  const { port } = stream.address() as { port: number };
  const proxy = await startThrottledStream(0, `http://127.0.0.1:${port}`);
  const client = new KinesisClient({
    endpoint: proxy.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
    // The agent speaks HTTP/1.1 to Kinesis; the SDK by itself HTTP/2.
    requestHandler: new NodeHttpHandler(),
  });
  t.after(async () => {
    client.destroy();
    await proxy.close();
    stream.close();
    stream.closeAllConnections();
  });
  const put = () =>
    client.send(
      new PutRecordsCommand({
        StreamName: 'logs',
        Records: [{ Data: Buffer.from('one'), PartitionKey: '1' }],
      }),
    );
  assert.equal((await put()).FailedRecordCount, 0);
  proxy.throttle(true);
  await assert.rejects(put(), { name: 'ProvisionedThroughputExceededException' });
  assert.equal(proxy.refused, 1);
  proxy.throttle(false);
  assert.equal((await put()).FailedRecordCount, 0);
});
