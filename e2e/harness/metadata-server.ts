import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Keys of the instance's role, as the metadata gives them out. */
export const roleKeys = {
  AccessKeyId: 'ASIASIMULATEDROLE',
  SecretAccessKey: 'secret',
  Token: 'session-token',
};

const itemsPath = '/latest/meta-data/';

/**
 * EC2's instance metadata service, version 2 alone (version 1 is turned off): a token by PUT with its life in seconds,
 * which each GET carries; 401 without it, 404 for what the instance does not have, 403 for what came through a proxy.
 */
export class MetadataServer {
  /** By their path below `/latest/meta-data/`. */
  readonly items = new Map<string, string>();
  /** Answers that were not 200 or 404, as `METHOD path status`. */
  readonly refused: string[] = [];
  /** Requests are not answered while this is set. */
  silent = false;
  readonly #tokens = new Set<string>();
  readonly #server: Server;

  private constructor(instanceId: string, region: string) {
    const role = 'web-server';
    const keys = {
      Code: 'Success',
      LastUpdated: '2026-01-01T00:00:00Z',
      Type: 'AWS-HMAC',
      ...roleKeys,
      Expiration: '2099-01-01T00:00:00Z',
    };
    this.items.set('instance-id', instanceId);
    this.items.set('placement/region', region);
    this.items.set('iam/security-credentials/', role);
    this.items.set(`iam/security-credentials/${role}`, JSON.stringify(keys));
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async listen(instanceId: string, region = 'eu-west-1'): Promise<MetadataServer> {
    const metadata = new MetadataServer(instanceId, region);
    await new Promise<void>((resolve) => metadata.#server.listen(0, '127.0.0.1', resolve));
    return metadata;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** As after a stop and a start: whoever has a token needs a new one. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.silent) return;
    const { status, text } = this.#judge(request);
    if (status !== 200 && status !== 404) this.refused.push(`${request.method} ${request.url} ${status}`);
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(text);
  }

  #judge({ method, url = '/', headers }: IncomingMessage): { status: number; text: string } {
    if (headers['x-forwarded-for'] !== undefined) return { status: 403, text: '' };
    if (method === 'PUT' && url === '/latest/api/token') {
      const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (!(seconds >= 1 && seconds <= 21_600)) return { status: 400, text: '' };
      const token = randomBytes(16).toString('base64');
      this.#tokens.add(token);
      return { status: 200, text: token };
    }
    if (method !== 'GET') return { status: 405, text: '' };
    if (!this.#tokens.has(String(headers['x-aws-ec2-metadata-token']))) return { status: 401, text: '' };
    const text = url.startsWith(itemsPath) ? this.items.get(url.slice(itemsPath.length)) : undefined;
    return text === undefined ? { status: 404, text: 'not found' } : { status: 200, text };
  }
}
