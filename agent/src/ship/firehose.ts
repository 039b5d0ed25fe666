import type { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { batchBodyBytesMax, writeBatchBody } from './batch-body.ts';
import { BufferPool } from './buffer-pool.ts';
import type { ConnectionSettings } from './connection.ts';
import { type OwnCall, useOwnBodies } from './own-body.ts';
import type { BatchClient } from './stream-client.ts';

interface Loaded {
  client: FirehoseClient;
  Command: typeof PutRecordBatchCommand;
}

/** Firehose by its official client: it has no keys, and its limits are its own. */
export function createFirehoseClient(name: string, connection: ConnectionSettings): BatchClient {
  let loading: Promise<Loaded> | undefined;
  const calls = new WeakMap<object, OwnCall>();
  const buffers = new BufferPool();
  const head = `{"DeliveryStreamName":${JSON.stringify(name)},"Records":[`;
  return {
    async putBatch(batch) {
      loading ??= load(connection, calls);
      const { client, Command } = await loading;
      const buffer = buffers.take(batchBodyBytesMax(head, batch));
      const input = { DeliveryStreamName: name, Records: [] };
      const call = { body: writeBatchBody(buffer, head, batch), taken: false };
      calls.set(input, call);
      const answer = await client.send(new Command(input));
      buffers.give(buffer);
      if (call.taken) return undefined;
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
async function load(connection: ConnectionSettings, calls: WeakMap<object, OwnCall>): Promise<Loaded> {
  const [sdk, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-firehose'),
    import('./connection.ts'),
  ]);
  const client = new sdk.FirehoseClient(clientSettings(connection));
  useOwnBodies(client, calls, 'FailedPutCount');
  return { client, Command: sdk.PutRecordBatchCommand };
}
