import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createServer } from '@millrace/core/runtime/node-http.ts';
import { type Connection, Connections } from '../../input/connections.ts';
import type { InputContext } from '../../input/input.ts';
import type { TlsSettings } from '../../input/transport.ts';

/** Longer heads of requests are refused with 431. */
const headBytesMax = 16 * 1024;
const headersMax = 100;
const headMs = 10_000;
/** How often requests are looked for that are too slow. */
const lookMs = 1_000;
/** How long requests that are not whole may take when the source stops. */
const farewellMs = 1_000;

export interface ServerSettings {
  id: string;
  bind: string;
  port: number;
  backlog: number | undefined;
  tls: TlsSettings | undefined;
  connectionsMax: number;
  /** A connection without a request is closed after this. */
  keepaliveMs: number;
  /** A request has to be whole after this. */
  requestMs: number;
}

/** Answers a request; never rejects. */
type Handle = (request: IncomingMessage, response: ServerResponse, address: string) => Promise<void>;

/** HTTP/1.1 on a socket that outlives a reload. */
export class HttpServer {
  readonly #context: InputContext;
  readonly #handle: Handle;
  readonly #connections: Connections;
  readonly #server: Server;
  readonly #addresses = new WeakMap<Socket, string>();
  /** Requests that are being answered, or read. */
  readonly #open = new Set<Promise<void>>();
  readonly #unread = new Set<IncomingMessage>();
  #stopping = false;
  #stopped: Promise<void> | undefined;

  constructor(settings: ServerSettings, context: InputContext, handle: Handle) {
    this.#context = context;
    this.#handle = handle;
    this.#server = createServer({
      keepAliveTimeout: settings.keepaliveMs,
      headersTimeout: Math.min(headMs, settings.requestMs),
      requestTimeout: settings.requestMs,
      maxHeaderSize: headBytesMax,
      connectionsCheckingInterval: lookMs,
    });
    this.#server.maxHeadersCount = headersMax;
    this.#server.on('request', (request, response) => this.#take(request, response));
    this.#connections = new Connections(
      { ...settings, source: settings.id, keepAlivePackets: true },
      context,
      (connection) => this.#serve(connection),
    );
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  async start(): Promise<void> {
    await this.#connections.start();
    // Its connections come from another listener: this begins the look-out for slow requests.
    this.#server.emit('listening');
  }

  /** What was taken is answered; what is not whole after a moment is not taken. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    const stopped = this.#connections.stop();
    this.#server.closeIdleConnections();
    const done = new AbortController();
    const late = this.#context.clock.sleep(farewellMs, done.signal).then(() => {
      for (const request of this.#unread) request.socket.destroy();
      this.#server.closeIdleConnections();
    });
    while (this.#open.size > 0) await Promise.race([Promise.all(this.#open), this.#pause()]);
    done.abort();
    await late;
    this.#server.closeAllConnections();
    this.#server.close();
    await stopped;
  }

  async #pause(): Promise<void> {
    await this.#context.clock.sleep(50, undefined);
  }

  async #serve({ socket, address }: Connection): Promise<void> {
    this.#addresses.set(socket, address);
    if (this.#stopping) return;
    this.#server.emit('connection', socket);
    if (!socket.destroyed) await once(socket, 'close');
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    if (this.#stopping) response.shouldKeepAlive = false;
    const address = this.#addresses.get(request.socket) ?? 'unknown';
    this.#unread.add(request);
    request.once('end', () => this.#unread.delete(request));
    request.once('close', () => this.#unread.delete(request));
    const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
    const work = Promise.all([this.#handle(request, response, address), closed])
      .then(() => {})
      .finally(() => {
        this.#open.delete(work);
        if (this.#stopping) this.#server.closeIdleConnections();
      });
    this.#open.add(work);
  }
}
