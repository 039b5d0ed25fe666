import { createSocket, type SocketType, type Socket as UdpSocket } from 'node:dgram';
import type { EventEmitter } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { MillraceError } from '@millrace/core/errors.ts';

/** Bytes that the system keeps of datagrams nobody has read: bursts, and the moment of a reload. */
const udpBufferBytes = 8 * 1024 * 1024;
/** Connections that wait for a handler during a reload; more are closed. */
const waitingMax = 4096;
/** Datagrams that do, in bytes; more are dropped. */
const waitingBytesMax = 16 * 1024 * 1024;
/** What one takes beside its bytes. */
const datagramBytes = 256;

/** Who uses a socket. */
export interface Taker<E> {
  take(event: E): void;
  /** Datagrams came during a reload that had no room to wait. */
  dropped?(count: number): void;
  /** The system refused something, such as a connection beyond the limit of open files. */
  failed(error: Error): void;
}

interface Listening<T, E> {
  socket: T;
  taker: Taker<E> | undefined;
  waiting: E[];
  /** What waits takes this part of what may wait. */
  waitingShare: number;
  dropped: number;
}

export interface Datagram {
  bytes: Buffer;
  from: { address: string; port: number };
  reply(bytes: Uint8Array): void;
}

/**
 * The listening sockets of all inputs. They outlive a reload: an input that comes again with the same address takes
 * over the socket, and what came in between waits in it.
 */
export class Listeners {
  readonly #tcp = new Map<string, Listening<Server, Socket>>();
  readonly #udp = new Map<string, Listening<UdpSocket, Datagram>>();

  /**
   * Hands every connection to `taker` until the release that is returned is called. TLS is the taker's affair.
   * @throws MillraceError PORT_TAKEN
   */
  async tcp(host: string, port: number, taker: Taker<Socket>, backlog?: number): Promise<() => void> {
    const key = `${host}:${port}`;
    let listening = this.#tcp.get(key);
    if (!listening) {
      const socket = createServer();
      const made: Listening<Server, Socket> = {
        socket,
        taker: undefined,
        waiting: [],
        waitingShare: 0,
        dropped: 0,
      };
      socket.on('connection', (connection) => {
        // A connection that breaks while it waits; who takes it listens too.
        connection.on('error', () => connection.destroy());
        if (!deliver(made, connection, 1 / waitingMax)) connection.destroy();
      });
      await this.#opened(this.#tcp, socket, port, key, () =>
        socket.listen({ port, host, ...(backlog ? { backlog } : {}) }),
      );
      socket.on('error', (error) => made.taker?.failed(error));
      this.#tcp.set(key, made);
      listening = made;
    }
    return handle(listening, taker, key);
  }

  /**
   * The same for datagrams. `port` 0 is a free one: see `udpPort`.
   * @throws MillraceError PORT_TAKEN
   */
  async udp(host: string, port: number, taker: Taker<Datagram>): Promise<() => void> {
    const key = `${host}:${port}`;
    let listening = this.#udp.get(key);
    if (!listening) {
      const type: SocketType = host.includes(':') ? 'udp6' : 'udp4';
      const socket = createSocket({ type, recvBufferSize: udpBufferBytes });
      const made: Listening<UdpSocket, Datagram> = {
        socket,
        taker: undefined,
        waiting: [],
        waitingShare: 0,
        dropped: 0,
      };
      socket.on('message', (bytes, from) => {
        // An answer that cannot be sent is as good as one that is lost on its way.
        const reply = (answer: Uint8Array) => socket.send(answer, from.port, from.address, () => {});
        const share = (bytes.length + datagramBytes) / waitingBytesMax;
        if (!deliver(made, { bytes, from, reply }, share)) made.dropped++;
      });
      await this.#opened(this.#udp, socket, port, key, () => socket.bind(port, host));
      socket.on('error', (error) => made.taker?.failed(error));
      this.#udp.set(key, made);
      listening = made;
    }
    return handle(listening, taker, key);
  }

  /** The port that a TCP address listens on, for one that was asked as 0. */
  tcpPort(host: string, port: number): number | undefined {
    const address = this.#tcp.get(`${host}:${port}`)?.socket.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  udpPort(host: string, port: number): number | undefined {
    return this.#udp.get(`${host}:${port}`)?.socket.address().port;
  }

  /** Closes every socket that no input uses (any more). */
  closeUnused(): void {
    close(this.#tcp, () => true);
    close(this.#udp, () => true);
  }

  /** A port that only its address before the reload keeps is free. */
  async #opened(
    known: Map<string, Listening<Closable, unknown>>,
    socket: EventEmitter,
    port: number,
    key: string,
    open: () => void,
  ): Promise<void> {
    try {
      await opened(socket, key, open);
    } catch (error) {
      if (port === 0 || close(known, (other) => other.endsWith(`:${port}`)) === 0) throw error;
      await opened(socket, key, open);
    }
  }
}

interface Closable {
  close(): unknown;
}

/** Closes sockets that nobody uses; how many. */
function close(all: Map<string, Listening<Closable, unknown>>, which: (key: string) => boolean): number {
  let closed = 0;
  for (const [key, { taker, socket, waiting }] of all) {
    if (taker || !which(key)) continue;
    socket.close();
    for (const each of waiting) if (each instanceof Socket) each.destroy();
    all.delete(key);
    closed++;
  }
  return closed;
}

/** False: there is no room. */
function deliver<T, E>(listening: Listening<T, E>, event: E, share: number): boolean {
  if (listening.taker) {
    listening.taker.take(event);
    return true;
  }
  if (listening.waitingShare + share > 1) return false;
  listening.waitingShare += share;
  listening.waiting.push(event);
  return true;
}

function handle<T, E>(listening: Listening<T, E>, taker: Taker<E>, key: string): () => void {
  if (listening.taker)
    throw new MillraceError('PORT_TAKEN', `${key} is used by two sources`, { hint: 'give one another port' });
  listening.taker = taker;
  listening.waitingShare = 0;
  for (const event of listening.waiting.splice(0)) taker.take(event);
  if (listening.dropped > 0) taker.dropped?.(listening.dropped);
  listening.dropped = 0;
  return () => {
    if (listening.taker === taker) listening.taker = undefined;
  };
}

async function opened(socket: EventEmitter, where: string, open: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const hint = 'stop the process that listens there, or configure another port';
      const taken = cause.code === 'EADDRINUSE';
      const text = taken ? `${where} is in use` : `cannot listen on ${where}: ${cause.message}`;
      reject(
        taken
          ? new MillraceError('PORT_TAKEN', text, { cause, hint })
          : new MillraceError('CONFIG_INVALID', text, { cause }),
      );
    };
    socket.once('error', failed);
    socket.once('listening', () => {
      socket.off('error', failed);
      resolve();
    });
    open();
  });
}
