import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';

/** S3's PutObject: what was put, by `bucket/key`. */
export class ObjectServer {
  readonly objects = new Map<string, Buffer>();
  /** While it is set, everything is answered by 503. */
  down = false;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void buffer(request).then((bytes) => {
        const path = decodeURIComponent(new URL(request.url ?? '/', 'http://s3').pathname.slice(1));
        const taken = request.method === 'PUT' && !this.down;
        if (taken) this.objects.set(path, bytes);
        response.writeHead(taken ? 200 : 503);
        response.end();
      });
    });
  }

  static async listen(): Promise<ObjectServer> {
    const objects = new ObjectServer();
    await new Promise<void>((resolve) => objects.#server.listen(0, '127.0.0.1', resolve));
    return objects;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The blocks of all objects, as their footers say where they lie. */
  blocks(): Buffer[] {
    return [...this.objects.values()].flatMap((bytes) => {
      const at = bytes.length - footerFrameLength(bytes);
      const { blocks } = decodeFooter(bytes.subarray(at), at);
      return blocks.map(({ offset, length }) => bytes.subarray(offset, offset + length));
    });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
