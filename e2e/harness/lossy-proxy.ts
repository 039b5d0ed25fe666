import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * In front of the stream: passes calls on, and while `lossy` is set, swallows the answers of PutRecords; while
 * `throttled` is set, refuses them.
 */
export interface LossyProxy {
  url: string;
  lossy: boolean;
  /** PutRecords calls whose answer was swallowed. */
  swallowed: number;
  throttled: boolean;
  /** PutRecords calls that were refused. */
  refused: number;
  close(): void;
}

export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const server = createServer((incoming, outgoing) => {
    const { host: _, ...headers } = incoming.headers;
    const put = String(incoming.headers['x-amz-target']).endsWith('PutRecords');
    if (put && proxy.throttled) {
      proxy.refused++;
      incoming.resume();
      incoming.on('end', () => {
        outgoing.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
        outgoing.end('{"__type":"ProvisionedThroughputExceededException","message":"Rate exceeded"}');
      });
      return;
    }
    const passed = httpRequest(
      target,
      { method: incoming.method ?? 'POST', path: incoming.url ?? '/', headers },
      (answer) => {
        if (put && proxy.lossy) {
          answer.resume();
          answer.on('end', () => {
            proxy.swallowed++;
            incoming.socket.destroy();
          });
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => incoming.socket.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: LossyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lossy: false,
    swallowed: 0,
    throttled: false,
    refused: 0,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
