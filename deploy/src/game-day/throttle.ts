import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** In front of the local stream: passes calls on, or refuses what is sent into the stream. */
export interface ThrottledStream {
  url: string;
  /** While true, PutRecords is answered as Kinesis does when a shard has no room. */
  throttle(on: boolean): void;
  /** Calls that were refused. */
  readonly refused: number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; `target` is the stream's address. */
export async function startThrottledStream(port: number, target: string): Promise<ThrottledStream> {
  let throttled = false;
  let refused = 0;
  const server = createServer((incoming, outgoing) => {
    if (throttled && incoming.headers['x-amz-target'] === 'Kinesis_20131202.PutRecords') {
      refused++;
      refuse(incoming, outgoing);
    } else pass(target, incoming, outgoing);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const listens = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${listens}`,
    throttle(on) {
      throttled = on;
    },
    get refused() {
      return refused;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume();
  outgoing.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
  const message = 'Rate exceeded for the shards of this stream.';
  outgoing.end(JSON.stringify({ __type: 'ProvisionedThroughputExceededException', message }));
}

function pass(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const passed = request(
    target,
    // The host stays what the client signed.
    { method: incoming.method ?? 'POST', path: incoming.url ?? '/', headers: incoming.headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => incoming.socket.destroy());
    },
  );
  // The stream is down, or starting again: the agent sees a broken connection, as it would without us.
  passed.on('error', () => incoming.socket.destroy());
  incoming.on('error', () => passed.destroy());
  incoming.pipe(passed);
}
