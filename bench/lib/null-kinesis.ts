import { createServer } from 'node:http';

/**
 * A Kinesis that accepts everything at once, for measuring what comes before it. Runs as a process of its own:
 * `node null-kinesis.ts PORT`; `GET /stats` says what came.
 */
const port = Number(process.argv[2]);
const stats = { requests: 0, records: 0, wireBytes: 0, dataBytes: 0 };

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'GET') {
      response.end(JSON.stringify(stats));
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
    const item = { SequenceNumber: '1', ShardId: 'shardId-000000000000' };
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(
      JSON.stringify({ FailedRecordCount: 0, Records: Array.from({ length: records }, () => item) }),
    );
  });
});
const marker = '"Data":';
server.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
