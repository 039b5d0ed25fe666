import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked of the engine: so that it can be asked the same without us. */
export interface EngineCall {
  path: string;
  body: string;
}

export interface RecordingProxy {
  url: string;
  /** Searches that passed since the last call. */
  take(): EngineCall[];
  close(): void;
}

/** Passes everything on to an engine and keeps its searches. */
export async function startRecordingProxy(node: string): Promise<RecordingProxy> {
  let calls: EngineCall[] = [];
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const body = Buffer.concat(parts);
      const path = incoming.url ?? '/';
      // Not what opens and closes a point in time, nor what our API looks after beside its questions.
      if (/^\/millrace-.*_search(\?|$)/.test(path)) calls.push({ path, body: body.toString() });
      const { method, headers } = incoming;
      const onward = request(`${node}${path}`, { method: method ?? 'GET', headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      onward.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = calls;
      calls = [];
      return taken;
    },
    close: () => void server.close(),
  };
}
