import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export const proxied = ['kinesis', 'leases', 's3', 'opensearch'] as const;
export type Proxied = (typeof proxied)[number];

export const faults = ['throttle', 'error', 'reset', 'slow', 'swallow', 'hang'] as const;
/**
 * `throttle`: the engine's own refusal · `error`: 500 or 503 · `reset`: the connection breaks before the call ·
 * `slow`: up to 3 s before it goes on · `swallow`: the call is carried out and its answer lost · `hang`: no answer for
 * as long as the fault lasts.
 */
export type Fault = (typeof faults)[number];

interface Weather {
  fault: Fault;
  /** Of the calls, 0 to 1. */
  share: number;
}

const controlPath = '/fault-proxy';

/**
 * In front of an engine: passes calls on, but for those that the weather takes. HTTP/2, which the KCL speaks to Kinesis,
 * is disturbed as a connection: it breaks, is slow or stands still.
 */
export async function startFaultProxy(part: Proxied, port: number, target: string): Promise<() => void> {
  let weather: Weather | undefined;
  let changed = Promise.withResolvers<void>();
  const take = () => (weather && Math.random() < weather.share ? weather.fault : undefined);
  const tunnels = new Set<Tunnel>();
  const http = createServer((incoming, outgoing) => {
    if (incoming.url === controlPath) {
      void textOf(incoming).then((text) => {
        weather = JSON.parse(text) ?? undefined;
        for (const tunnel of tunnels) tunnel.disturb(take());
        changed.resolve();
        changed = Promise.withResolvers();
        outgoing.end();
      });
      return;
    }
    handle(part, target, take(), changed.promise, incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      if (!first.toString('latin1').startsWith('PRI * HTTP/2')) {
        http.emit('connection', socket);
        socket.resume();
        return;
      }
      const tunnel = new Tunnel(socket, Number(new URL(target).port));
      tunnels.add(tunnel);
      socket.once('close', () => tunnels.delete(tunnel));
      tunnel.disturb(take());
    });
  });
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return () => {
    for (const tunnel of tunnels) tunnel.disturb('reset');
    http.closeAllConnections();
    server.close();
  };
}

/** A connection whose bytes are passed on as they are. */
class Tunnel {
  readonly #socket: Socket;
  #fault: Fault | undefined;
  #held: (() => void)[] = [];

  constructor(socket: Socket, port: number) {
    this.#socket = socket;
    const engine = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [socket, engine],
      [engine, socket],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(this.#gate()).pipe(to);
    }
  }

  disturb(fault: Fault | undefined): void {
    this.#fault = fault;
    if (fault === 'reset' || fault === 'error' || fault === 'throttle') this.#socket.destroy();
    for (const go of this.#held.splice(0)) go();
  }

  #gate(): Transform {
    return new Transform({
      transform: (chunk, _, done) => {
        const pass = () => {
          if (this.#fault === 'hang' || this.#fault === 'swallow') this.#held.push(pass);
          else done(null, chunk);
        };
        if (this.#fault === 'slow') setTimeout(pass, Math.random() * 1_000);
        else pass();
      },
    });
  }
}

/** Sets the weather of a proxy that another process may run; undefined: fair. */
export async function setWeather(port: number, weather: Weather | undefined): Promise<void> {
  const body = JSON.stringify(weather ?? null);
  await fetch(`http://127.0.0.1:${port}${controlPath}`, { method: 'POST', body });
}

async function handle(
  part: Proxied,
  target: string,
  fault: Fault | undefined,
  changed: Promise<void>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (fault === 'reset') {
    incoming.socket.destroy();
    return;
  }
  if (fault === 'throttle' || fault === 'error') {
    incoming.resume();
    const { status, type, body } = refusal(part, fault, String(incoming.headers['content-type']));
    outgoing.writeHead(status, { 'content-type': type });
    outgoing.end(body);
    return;
  }
  if (fault === 'slow') await delay(Math.random() * 3_000);
  if (fault === 'hang') {
    await changed;
    incoming.socket.destroy();
    return;
  }
  pass(target, fault === 'swallow', incoming, outgoing);
}

function pass(target: string, swallow: boolean, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const passed = httpRequest(
    target,
    // The host stays what the client signed.
    { method: incoming.method ?? 'GET', path: incoming.url ?? '/', headers: incoming.headers },
    (answer) => {
      if (swallow) {
        answer.resume();
        answer.on('end', () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => incoming.socket.destroy());
    },
  );
  passed.on('error', () => incoming.socket.destroy());
  incoming.on('error', () => passed.destroy());
  incoming.pipe(passed);
}

/** How the engine itself would say it. */
function refusal(part: Proxied, fault: 'throttle' | 'error', contentType: string) {
  if (part === 's3') {
    const code = fault === 'throttle' ? 'SlowDown' : 'InternalError';
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>chaos</Message></Error>`;
    return { status: fault === 'throttle' ? 503 : 500, type: 'application/xml', body };
  }
  if (part === 'opensearch') {
    const status = fault === 'throttle' ? 429 : 503;
    const type = fault === 'throttle' ? 'rejected_execution_exception' : 'cluster_block_exception';
    return {
      status,
      type: 'application/json',
      body: JSON.stringify({ error: { type, reason: 'chaos' }, status }),
    };
  }
  // The KCL's client speaks CBOR, in which only the status is left to say it.
  const json = contentType.includes('json');
  const name = fault === 'throttle' ? 'ProvisionedThroughputExceededException' : 'InternalFailure';
  return {
    status: fault === 'throttle' && json ? 400 : 500,
    type: 'application/x-amz-json-1.1',
    body: json ? JSON.stringify({ __type: name, message: 'chaos' }) : '',
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
