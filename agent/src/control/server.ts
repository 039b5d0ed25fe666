import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createServer } from '@millrace/core/runtime/node-http.ts';
import type { DrainReport } from '../stopping.ts';

/** What a command on the same machine may ask of a running agent. */
export interface Control {
  /** Ships everything to the ends of the files, within `deadlineMs`; the agent ends then. */
  drain(deadlineMs: number): Promise<DrainReport>;
  /** Reads the configuration again; the text says what is wrong with it, undefined when it is taken. */
  reload(): string | undefined;
}

/** Longer paths are no addresses of sockets on Linux. */
const pathBytesMax = 107;

export function controlPath(stateDir: string): string {
  return join(stateDir, 'control.sock');
}

/**
 * Serves `POST /drain?deadline_ms=N` and `POST /reload` on a socket in the state folder, which only the agent's own
 * user (and root) can open. Undefined where the folder's path is too long for a socket.
 */
export async function startControlServer(stateDir: string, control: Control): Promise<Server | undefined> {
  const path = controlPath(stateDir);
  if (Buffer.byteLength(path) > pathBytesMax) return undefined;
  // Left behind by a killed agent; a living one holds the lock of the folder.
  rmSync(path, { force: true });
  const server = createServer((request, response) => {
    answer(request, response, control).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  // It must never be what keeps a stopping agent alive.
  server.unref();
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, control: Control): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://agent');
  const send = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (request.method !== 'POST') return send(405, { error: 'only POST' });
  if (url.pathname === '/reload') {
    const wrong = control.reload();
    return wrong === undefined ? send(200, { status: 'ok' }) : send(422, { error: wrong });
  }
  if (url.pathname !== '/drain') return send(404, { error: 'try /drain or /reload' });
  const deadlineMs = Number(url.searchParams.get('deadline_ms'));
  if (!(deadlineMs >= 0 && deadlineMs <= 86_400_000))
    return send(400, { error: 'deadline_ms: 0 to 86400000' });
  return send(200, await control.drain(deadlineMs));
}
