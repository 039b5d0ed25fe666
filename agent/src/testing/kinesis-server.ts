import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the server does with one PutRecords call. `which` says what it refuses, by the record's index in its call. */
export type Answer =
  | { do: 'accept' }
  /** Refuses some records as a shard over its limit does, or with another code; the others are stored. */
  | { do: 'refuse'; which: (index: number) => boolean; code?: string }
  /** The whole call fails. */
  | { do: 'fail'; status: number; code: string; stored?: boolean }
  /** Closes the socket without an answer. */
  | { do: 'reset'; stored: boolean }
  /** Never answers. */
  | { do: 'hang'; stored: boolean }
  | { do: 'slow'; ms: number };

/** A call as it came, bad ones included. */
export interface Call {
  at: number;
  headers: IncomingHttpHeaders;
  records: { data: Buffer; partitionKey: string }[];
  answer: Answer['do'];
}

/** What the service takes of a shard in a second. */
const shardBytes = 1024 * 1024;
const shardRecords = 1000;

/** The limits of one shard, as a bucket that holds a second's worth. */
export class ShardLimit {
  #bytes = shardBytes;
  #records = shardRecords;
  #at = performance.now();

  takes(bytes: number): boolean {
    const now = performance.now();
    const part = (now - this.#at) / 1000;
    this.#at = now;
    this.#bytes = Math.min(shardBytes, this.#bytes + part * shardBytes);
    this.#records = Math.min(shardRecords, this.#records + part * shardRecords);
    if (this.#bytes < bytes || this.#records < 1) return false;
    this.#bytes -= bytes;
    this.#records--;
    return true;
  }
}

const refusedCode = 'ProvisionedThroughputExceededException';
const recordBytesMax = 1024 * 1024;
const callBytesMax = 5 * 1024 * 1024;
const callRecordsMax = 500;

/**
 * Kinesis' PutRecords over HTTP (JSON 1.1), as strict about its bounds as the service and failing on command. Answers
 * in `script` are used up one a call; then `always` holds.
 */
export class KinesisServer {
  readonly calls: Call[] = [];
  /** Every block stored, repeated ones included, in the order of storing. */
  readonly blocks: Buffer[] = [];
  /** Calls that the service would have refused for good. */
  readonly violations: string[] = [];
  readonly script: Answer[] = [];
  always: Answer = { do: 'accept' };
  /** Refuses what is over it, whatever `always` says. */
  shard: ShardLimit | undefined;
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';

  constructor(tls?: { key: string; cert: string }) {
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer(tls, answer) : createServer(answer);
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { Records } = JSON.parse(Buffer.concat(chunks).toString()) as {
      Records: { Data: string; PartitionKey: string }[];
    };
    const records = Records.map(({ Data, PartitionKey }) => ({
      data: Buffer.from(Data, 'base64'),
      partitionKey: PartitionKey,
    }));
    const broken = brokenBound(records);
    if (broken !== undefined) this.violations.push(broken);
    const answer: Answer =
      broken === undefined
        ? (this.script.shift() ?? this.always)
        : { do: 'fail', status: 400, code: 'ValidationException' };
    this.calls.push({ at: performance.now(), headers: request.headers, records, answer: answer.do });
    if (answer.do === 'slow') await new Promise((resolve) => setTimeout(resolve, answer.ms).unref());
    this.#answer(answer, records, request, response);
  }

  #answer(
    answer: Answer,
    records: Call['records'],
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const over = records.map(({ data, partitionKey }) => {
      if (this.shard === undefined || answer.do !== 'accept') return false;
      return !this.shard.takes(data.length + partitionKey.length);
    });
    const refused = (index: number) =>
      over[index] === true || (answer.do === 'refuse' && answer.which(index));
    const stores =
      answer.do === 'accept' ||
      answer.do === 'slow' ||
      answer.do === 'refuse' ||
      ('stored' in answer && answer.stored === true);
    if (stores) this.blocks.push(...records.filter((_, i) => !refused(i)).map((record) => record.data));
    if (answer.do === 'hang') return;
    if (answer.do === 'reset') {
      request.socket.destroy();
      return;
    }
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if (answer.do === 'fail') {
      response.statusCode = answer.status;
      response.end(JSON.stringify({ __type: answer.code, message: 'on command' }));
      return;
    }
    const results = records.map((_, i) =>
      refused(i)
        ? {
            ErrorCode: (answer.do === 'refuse' ? answer.code : undefined) ?? refusedCode,
            ErrorMessage: 'on command',
          }
        : { SequenceNumber: String(i), ShardId: 'shardId-000000000000' },
    );
    const FailedRecordCount = results.filter((result) => 'ErrorCode' in result).length;
    response.end(JSON.stringify({ FailedRecordCount, Records: results }));
  }
}

/** Which of the service's bounds a call breaks: keys count, in UTF-8. */
function brokenBound(records: Call['records']): string | undefined {
  const sizes = records.map(({ data, partitionKey }) => data.length + Buffer.byteLength(partitionKey));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (records.length === 0 || records.length > callRecordsMax) return `${records.length} records in a call`;
  const large = sizes.find((size) => size > recordBytesMax);
  if (large !== undefined) return `a record of ${large} bytes with its key`;
  if (records.some(({ partitionKey }) => partitionKey.length < 1 || partitionKey.length > 256))
    return 'a partition key that is too short or too long';
  return total > callBytesMax ? `a call of ${total} bytes` : undefined;
}
