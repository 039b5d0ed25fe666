import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { decodeMulti, encode } from '@msgpack/msgpack';

/** A client of the Forward protocol that is told what to send. */
export class ForwardClient {
  readonly socket: Socket;
  closed = false;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async connect(port: number, tls?: ConnectionOptions): Promise<ForwardClient> {
    const socket = tls ? connectTls({ port, host: '127.0.0.1', ...tls }) : connect(port, '127.0.0.1');
    const client = new ForwardClient(socket);
    await once(socket, tls ? 'secureConnect' : 'connect');
    return client;
  }

  send(message: unknown): void {
    this.socket.write(encode(message));
  }

  /** Everything that was received, decoded. */
  answers(): unknown[] {
    return [...decodeMulti(this.#received)];
  }

  /** Ids of the chunks that were acknowledged. */
  acks(): string[] {
    return this.answers().flatMap((each) =>
      typeof each === 'object' && each !== null && 'ack' in each ? [String(each.ack)] : [],
    );
  }

  async end(): Promise<void> {
    this.socket.end();
    if (!this.closed) await once(this.socket, 'close');
  }
}

/** What a PING says. */
export interface Proof {
  hostname?: string;
  sharedKey: string;
  user?: string;
  password?: string;
}

/** The PING that answers a HELO, and what the PONG must prove. */
export function ping(
  hello: unknown,
  { hostname = 'client', sharedKey, user = '', password = '' }: Proof,
  server: string,
) {
  const [, { nonce, auth }] = hello as [string, { nonce: Uint8Array; auth: Uint8Array }];
  const salt = 'sixteen bytes ok';
  const sha = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash('sha512');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  const proof = user === '' ? '' : sha(auth, user, password);
  return {
    message: ['PING', hostname, salt, sha(salt, hostname, nonce, sharedKey), user, proof],
    expected: sha(salt, server, nonce, sharedKey),
  };
}

/** One entry, packed. */
export function packed(...records: unknown[]): Uint8Array {
  return Buffer.concat(records.map((record) => encode([1_700_000_000, record])));
}
