import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SinkStats } from './sink.ts';

/**
 * A Kinesis that accepts everything at once, for measuring what comes before it. Runs as a process of its own:
 * `node null-kinesis.ts` prints its port; `GET /stats` says what came.
 */
const stats: SinkStats = { requests: 0, records: 0, wireBytes: 0, dataBytes: 0, lastMs: 0 };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'GET') {
      response.end(JSON.stringify(stats));
      return;
    }
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if (!String(request.headers['x-amz-target']).endsWith('.PutRecords')) {
      response.end(JSON.stringify({ StreamDescription: stream, StreamDescriptionSummary: stream }));
      return;
    }
    const body = Buffer.concat(chunks);
    let records = 0;
    for (let at = body.indexOf(marker); at >= 0; at = body.indexOf(marker, at + marker.length)) {
      records++;
      const from = body.indexOf('"', at + marker.length) + 1;
      stats.dataBytes += Math.floor(((body.indexOf('"', from) - from) * 3) / 4);
    }
    stats.requests++;
    stats.records += records;
    stats.wireBytes += body.length;
    stats.lastMs = Date.now();
    const item = { SequenceNumber: '1', ShardId: 'shardId-000000000000' };
    response.end(
      JSON.stringify({ FailedRecordCount: 0, Records: Array.from({ length: records }, () => item) }),
    );
  });
});
const marker = '"Data":';
/** Some clients ask whether it is there. */
const stream = {
  StreamName: 'bench',
  StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/bench',
  StreamStatus: 'ACTIVE',
  HasMoreShards: false,
  Shards: [],
};
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
