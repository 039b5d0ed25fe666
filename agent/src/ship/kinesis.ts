import { KinesisClient, PutRecordsCommand, type PutRecordsOutput } from '@aws-sdk/client-kinesis';
import type { KinesisOutput } from '../config/pipeline.ts';
import { batchBodyBytesMax, writeBatchBody } from './batch-body.ts';
import { BufferPool } from './buffer-pool.ts';
import { clientSettings } from './connection.ts';
import { OwnBodies } from './own-body.ts';
import { bodyBytesMax, writeBody } from './put-records-body.ts';
import type { RecordOutcome, StreamClient } from './stream-client.ts';

/** Kinesis by its official client. Retries are ours (per record, without end), so the client has none. */
export function createKinesisClient(output: KinesisOutput): StreamClient {
  const client = new KinesisClient(clientSettings(output));
  const bodies = new OwnBodies<PutRecordsOutput>(client, 'FailedRecordCount');
  const buffers = new BufferPool();
  const head = `{"StreamName":${JSON.stringify(output.streamName)},"Records":[`;

  /** Undefined: every record was taken. */
  async function put(buffer: Buffer, body: Buffer, count: number): Promise<RecordOutcome[] | undefined> {
    const input = { StreamName: output.streamName, Records: [] };
    const answer = await bodies.send(body, input, () => client.send(new PutRecordsCommand(input)));
    // After a failure it is not used again: the socket may still be writing it.
    buffers.give(buffer);
    if (answer === undefined) return undefined;
    const results = answer.Records ?? [];
    if (results.length !== count)
      throw new Error(`PutRecords answered ${results.length} results for ${count} records`);
    return results.map(({ ErrorCode: code, ErrorMessage: message }) =>
      code === undefined || code === null ? { ok: true } : { ok: false, code, message: message ?? '' },
    );
  }

  return {
    async putRecords(records) {
      const buffer = buffers.take(bodyBytesMax(output.streamName, records));
      const outcomes = await put(buffer, writeBody(buffer, output.streamName, records), records.length);
      return outcomes ?? records.map(() => ({ ok: true }));
    },
    putBatch(batch, drawKey) {
      const buffer = buffers.take(batchBodyBytesMax(head, batch));
      return put(buffer, writeBatchBody(buffer, head, batch, drawKey), batch.count);
    },
    close: () => client.destroy(),
  };
}
