import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { eventId } from '@millrace/core/ids/event-id.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

/** A Kinesis that takes blocks and remembers their records. */
export class StreamServer {
  /** Text of each record by its event id: a record that comes again under its own id is one record. */
  readonly records = new Map<string, string>();
  /** Records are refused while this is set, as a shard over its limit refuses them. */
  throttled = false;
  /** Records that were refused. */
  refused = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(): Promise<StreamServer> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as { Records: { Data: string }[] };
        const count = body.Records.length;
        if (stream.throttled) stream.refused += count;
        else for (const { Data } of body.Records) stream.take(Buffer.from(Data, 'base64'));
        const answers = body.Records.map((_, i) =>
          stream.throttled
            ? { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' }
            : { SequenceNumber: String(i), ShardId: 'shardId-000000000000' },
        );
        response.setHeader('content-type', 'application/x-amz-json-1.1');
        response.end(JSON.stringify({ FailedRecordCount: stream.throttled ? count : 0, Records: answers }));
      });
    });
    const stream = new StreamServer(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return stream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Remembers the records of a block, which may have come another way. */
  take(bytes: Buffer): void {
    const block = decodeBlock(bytes);
    for (const record of blockRecords(block)) {
      const shipped = block.payload.subarray(record.start, record.end);
      const id = eventId(record.source.generation, record.offset, crc32(shipped));
      this.records.set(id, shipped.toString());
    }
  }
}
