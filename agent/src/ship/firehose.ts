import type { FirehoseClient, PutRecordBatchCommand, PutRecordBatchOutput } from '@aws-sdk/client-firehose';
import { batchBodyBytesMax, writeBatchBody } from './batch-body.ts';
import { BufferPool } from './buffer-pool.ts';
import type { ConnectionSettings } from './connection.ts';
import { OwnBodies } from './own-body.ts';
import type { BatchClient } from './stream-client.ts';

interface Loaded {
  client: FirehoseClient;
  bodies: OwnBodies<PutRecordBatchOutput>;
  Command: typeof PutRecordBatchCommand;
}

/** Firehose by its official client: it has no keys, and its limits are its own. */
export function createFirehoseClient(name: string, connection: ConnectionSettings): BatchClient {
  let loading: Promise<Loaded> | undefined;
  const buffers = new BufferPool();
  const head = `{"DeliveryStreamName":${JSON.stringify(name)},"Records":[`;
  return {
    async putBatch(batch) {
      loading ??= load(connection);
      const { client, bodies, Command } = await loading;
      const buffer = buffers.take(batchBodyBytesMax(head, batch));
      const input = { DeliveryStreamName: name, Records: [] };
      const body = writeBatchBody(buffer, head, batch);
      const answer = await bodies.send(body, input, () => client.send(new Command(input)));
      buffers.give(buffer);
      if (answer === undefined) return undefined;
      const results = answer.RequestResponses ?? [];
      if (results.length !== batch.count)
        throw new Error(`PutRecordBatch answered ${results.length} results for ${batch.count} records`);
      return results.map(({ ErrorCode: code, ErrorMessage: message }) =>
        code === undefined || code === null ? { ok: true } : { ok: false, code, message: message ?? '' },
      );
    },
    close() {
      loading?.then(({ client }) => client.destroy()).catch(() => {}); // what was never loaded needs no closing
    },
  };
}

/** Loaded when it is first needed: most agents never speak to Firehose. */
async function load(connection: ConnectionSettings): Promise<Loaded> {
  const [sdk, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-firehose'),
    import('./connection.ts'),
  ]);
  const client = new sdk.FirehoseClient(clientSettings(connection));
  const bodies = new OwnBodies<PutRecordBatchOutput>(client, 'FailedPutCount');
  return { client, bodies, Command: sdk.PutRecordBatchCommand };
}
