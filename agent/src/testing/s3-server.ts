import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** S3's PutObject over HTTP, failing on command. */
export class S3Server {
  /** By `bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  /** Status codes of the next answers in place of 200; what came is not kept. */
  readonly failures: number[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const failure = this.failures.shift();
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://s3').pathname.slice(1));
    if (failure === undefined && request.method === 'PUT') this.objects.set(path, Buffer.concat(chunks));
    response.writeHead(failure ?? (request.method === 'PUT' ? 200 : 405));
    response.end();
  }
}
