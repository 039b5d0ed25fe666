import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createStream } from '@millrace/deploy/local/stream.ts';
import { awsEnvironment, endpoint, type StackUnderTest } from '../../e2e/harness/stack.ts';
import { writeAccessLog } from './access-log.ts';
import { shipOnce, writeAgentConfig } from './agent-process.ts';
import { processCpuS } from './measure.ts';
import type { BenchStore } from './store.ts';

const streamName = 'bento';
/** No template of ours takes it: the events are flat, with `host` a text. */
const index = 'bento-events';
/** A pattern: the index is made by the first document. */
const indices = 'bento-*';

/**
 * Bento from the stack's stream to its store, without an archive: the lines as one parsed event a record, which is what
 * it can read, into an index with the default dynamic mapping. Documents a second, and µs of its CPU a document.
 */
export async function measureBento(
  program: string,
  { stack, store, dir, lines }: { stack: StackUnderTest; store: BenchStore; dir: string; lines: number },
): Promise<{ perS: number; us: number }> {
  await ship(stack, dir, lines);
  const proxy = await namingProxy(endpoint(stack, 'kinesis'));
  const config = join(dir, 'bento.yaml');
  writeFileSync(config, bentoConfig(endpoint(stack, 'opensearch')));
  const child = spawn(program, ['-c', config], {
    env: {
      ...process.env,
      ...awsEnvironment,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_KINESIS: proxy.url,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint(stack, 'leases'),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const reach = async (share: number) => ({
      ...(await store.reach(indices, lines * share)),
      cpuS: processCpuS(child.pid ?? 0),
    });
    const [first, end] = [await reach(0.1), await reach(0.9)];
    const documents = end.held - first.held;
    return {
      perS: (documents / (end.at - first.at)) * 1000,
      us: ((end.cpuS - first.cpuS) * 1e6) / documents,
    };
  } finally {
    child.kill('SIGKILL');
    proxy.close();
    await store.remove(indices);
  }
}

async function ship(stack: StackUnderTest, dir: string, lines: number): Promise<void> {
  const target = { endpoint: endpoint(stack, 'kinesis'), streamName };
  await createStream(target.endpoint, streamName, 2, systemClock);
  const log = join(dir, 'bento.txt');
  writeAccessLog(log, lines, 77);
  await shipOnce(writeAgentConfig(dir, log, target, 'events'));
}

/** Before the stream's stand-in, which does not know a stream by the ARN alone. */
async function namingProxy(target: string): Promise<{ url: string; close(): void }> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { StreamARN, ...call } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      if (typeof StreamARN === 'string' && call.ShardIterator === undefined)
        call.StreamName ??= StreamARN.split('/').at(-1);
      const body = JSON.stringify(call);
      const headers = { ...incoming.headers, 'content-length': Buffer.byteLength(body) };
      const sent = request(target, { method: 'POST', headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      sent.on('error', () => outgoing.destroy());
      sent.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function bentoConfig(node: string): string {
  return `http: { enabled: false }
logger: { level: WARN }
input:
  aws_kinesis:
    streams: [ ${streamName} ]
    dynamodb: { table: bento-bench, create: true }
    checkpoint_limit: 20000
    start_from_oldest: true
    batching: { count: 1000, period: 200ms }
output:
  opensearch:
    urls: [ "${node}" ]
    index: ${index}
    action: index
    id: '\${! meta("kinesis_shard") }-\${! meta("kinesis_sequence_number") }'
    max_in_flight: 8
metrics: { none: {} }
`;
}
