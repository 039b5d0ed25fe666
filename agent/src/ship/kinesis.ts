import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { KinesisOutput } from '../config/pipeline.ts';
import type { StreamClient } from './stream-client.ts';

/** Kinesis by its official client. Retries are ours (per record, without end), so the client has none. */
export function createKinesisClient(output: KinesisOutput): StreamClient {
  const sockets = { keepAlive: true, maxSockets: output.requestsInFlightMax };
  const client = new KinesisClient({
    region: output.region,
    ...(output.endpoint ? { endpoint: output.endpoint } : {}),
    ...(output.credentials ? { credentials: output.credentials } : {}),
    maxAttempts: 1,
    // HTTP/1.1: the client's default, HTTP/2, gains nothing for a few large requests.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5_000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
    }),
  });
  return {
    async putRecords(records) {
      const answer = await client.send(
        new PutRecordsCommand({
          StreamName: output.streamName,
          Records: records.map((record) => ({ Data: record.data, PartitionKey: record.partitionKey })),
        }),
      );
      const results = answer.Records ?? [];
      if (results.length !== records.length) {
        throw new Error(`PutRecords answered ${results.length} results for ${records.length} records`);
      }
      return results.map((result) =>
        result.ErrorCode === undefined || result.ErrorCode === null
          ? { ok: true }
          : { ok: false, code: result.ErrorCode, message: result.ErrorMessage ?? '' },
      );
    },
    close: () => client.destroy(),
  };
}
