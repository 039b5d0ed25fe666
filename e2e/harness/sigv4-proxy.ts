import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SigningIdentity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  region: string;
  service: string;
}

export interface SigV4Proxy {
  url: string;
  /** Requests let through, and what was wrong with the others. */
  passed: number;
  refused: string[];
  close(): Promise<void>;
}

/** Stands before an engine as AWS does: lets nothing through whose signature (version 4) it does not find itself. */
export async function sigV4Proxy(engine: string, identity: SigningIdentity): Promise<SigV4Proxy> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const wrong = verify(incoming, body, identity);
      if (wrong !== undefined) {
        proxy.refused.push(wrong);
        outgoing.writeHead(403, { 'content-type': 'application/json' });
        outgoing.end(JSON.stringify({ message: wrong }));
        return;
      }
      proxy.passed++;
      const headers = {
        'content-type': incoming.headers['content-type'] ?? 'application/json',
        // Node gives a DELETE no length by itself, and the engine would read its body as the next request.
        'content-length': body.length,
      };
      const options = { method: incoming.method ?? 'GET', headers };
      const forwarded = request(new URL(incoming.url ?? '/', engine), options, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      forwarded.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: SigV4Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: 0,
    refused: [],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

/** What is wrong with the signature; made from AWS' description of version 4, not by the library under test. */
function verify(incoming: IncomingMessage, body: Buffer, identity: SigningIdentity): string | undefined {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, credential, names, signature] = pattern.exec(incoming.headers.authorization ?? '') ?? [];
  if (credential === undefined || names === undefined) return 'no signature';
  const signed = names.split(';');
  const header = (name: string) => String(incoming.headers[name] ?? '').trim();
  const time = header('x-amz-date');
  const scope = [time.slice(0, 8), identity.region, identity.service, 'aws4_request'].join('/');
  if (credential !== `${identity.accessKeyId}/${scope}`) return `credential ${credential}`;
  if (header('x-amz-content-sha256') !== sha256(body)) return 'content hash';
  if (header('x-amz-security-token') !== (identity.sessionToken ?? '')) return 'session token';
  const needed = ['host', 'x-amz-date', ...(identity.sessionToken ? ['x-amz-security-token'] : [])];
  for (const name of needed) if (!signed.includes(name)) return `${name} is not signed`;
  const url = new URL(incoming.url ?? '/', 'http://x');
  const [path = '/', query = ''] = (incoming.url ?? '/').split('?');
  const canonical = [
    incoming.method,
    path.split('/').map(encode).join('/'),
    query === '' ? '' : canonicalQuery(url.searchParams),
    ...signed.map((name) => `${name}:${header(name)}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${identity.secretAccessKey}`);
  return hmac(key, toSign).toString('hex') === signature ? undefined : `signature of ${canonical}`;
}

function canonicalQuery(parameters: URLSearchParams): string {
  const pairs = [...parameters].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.sort().join('&');
}

function encode(text: string): string {
  const hex = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, hex);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
