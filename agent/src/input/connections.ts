import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Listeners } from './listeners.ts';
import { type TlsSettings, tlsOptions } from './transport.ts';

/** How long a client that was told of the end may take to close its side: what it had sent is still read. */
const farewellMs = 1_000;

/** A connection that is silent for this long is asked whether it is still there. */
const keepAliveMs = 60_000;

export interface Connection {
  socket: Socket;
  /** IP of the client, IPv4 in its own form. */
  address: string;
}

export interface ConnectionsOptions {
  source: string;
  bind: string;
  port: number;
  tls: TlsSettings | undefined;
  backlog: number | undefined;
  connectionsMax: number;
  keepAlivePackets: boolean;
}

interface Context {
  listeners: Listeners;
  clock: Clock;
  telemetry: AgentTelemetry;
}

/**
 * Serves the connections of one listening address. `serve` reads a connection until its end; it is told to come to an
 * end by `stopping`, says so to the client (`end`), and reads on what the client had sent by then.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #context: Context;
  readonly #serve: (connection: Connection, stopping: AbortSignal) => Promise<void>;
  readonly #stopping = new AbortController();
  /** Accepted sockets; those whose handshake is not done have no work. */
  readonly #sockets = new Set<Socket>();
  readonly #work = new Set<Promise<void>>();
  #tls: TlsServer | undefined;
  #release: (() => void) | undefined;

  constructor(
    options: ConnectionsOptions,
    context: Context,
    serve: (connection: Connection, stopping: AbortSignal) => Promise<void>,
  ) {
    this.#options = options;
    this.#context = context;
    this.#serve = serve;
  }

  /** @throws MillraceError PORT_TAKEN, CONFIG_INVALID for certificates that cannot be used */
  async start(): Promise<void> {
    const { bind, port, tls, backlog } = this.#options;
    if (tls) this.#tls = this.#secureServer(tls);
    const taker = {
      take: (socket: Socket) => this.#accept(socket),
      failed: (error: Error) => this.#report('listener_failed', { error: messageOf(error) }),
    };
    this.#release = await this.#context.listeners.tcp(bind, port, taker, backlog);
  }

  /** Takes no more connections, lets the present ones come to their end, and resolves then. */
  async stop(): Promise<void> {
    this.#release?.();
    this.#stopping.abort();
    while (this.#work.size > 0) await Promise.all(this.#work);
    for (const socket of this.#sockets) socket.destroy();
  }

  #secureServer(settings: TlsSettings): TlsServer {
    let options: TlsOptions;
    try {
      options = tlsOptions(settings);
      const server = createServer(options, (socket) => this.#begin(socket));
      server.on('tlsClientError', (error, socket: TLSSocket) => {
        this.#report('handshake_failed', { error: messageOf(error), address: plainAddress(socket) });
        socket.destroy();
      });
      return server;
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw new MillraceError('CONFIG_INVALID', `${settings.where}: <transport tls>: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #accept(socket: Socket): void {
    const { connectionsMax, keepAlivePackets } = this.#options;
    if (this.#sockets.size >= connectionsMax) {
      this.#report('connection_refused', { address: plainAddress(socket), why: 'connections_max' });
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    if (keepAlivePackets) socket.setKeepAlive(true, keepAliveMs);
    if (this.#tls) this.#tls.emit('connection', socket);
    else this.#begin(socket);
  }

  #begin(socket: Socket): void {
    // Its handshake took until after the end.
    if (this.#stopping.signal.aborted) {
      socket.destroy();
      return;
    }
    const address = plainAddress(socket);
    // Errors end the reading, which reports them.
    socket.on('error', () => {});
    const work = this.#serve({ socket, address }, this.#stopping.signal)
      .catch((error: unknown) => {
        if (!isFarewell(error)) this.#report('connection_failed', { address, error: messageOf(error) });
      })
      .finally(() => {
        socket.destroy();
        this.#work.delete(work);
      });
    this.#work.add(work);
  }

  #report(event: Parameters<AgentTelemetry['emit']>[0], fields: Record<string, unknown>): void {
    this.#context.telemetry.emit(event, { source: this.#options.source, ...fields });
  }
}

/** Tells the client that this is the end; it has a moment to close its side, and what it had sent is still read. */
export function sayFarewell(socket: Socket, clock: Clock): void {
  socket.end();
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  void clock.sleep(farewellMs, closed.signal).then(() => socket.destroy());
}

/** IPv4 clients of an IPv6 socket have their own form. */
export function plainAddressOf(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function plainAddress(socket: Socket): string {
  return plainAddressOf(socket.remoteAddress ?? 'unknown');
}

/** The other side is gone: what it had sent whole is taken. */
function isFarewell(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
