import type { RequestListener, Server } from 'node:http';
import type { Server as NetServer } from 'node:net';

/**
 * The request listener of a stand-in, made safe: both packages throw out of the process when a client goes away
 * in the middle of a request, which is just what a killed agent or consumer does.
 */
export function guardedListener(server: Server): RequestListener {
  const [listener] = server.listeners('request') as RequestListener[];
  if (listener === undefined) throw new TypeError('the server has no request listener');
  return (request, response) => {
    listener(request, response);
    request.removeAllListeners('error');
    request.on('error', () => response.destroy());
    response.on('error', () => response.destroy());
  };
}

/** Listens at `host` until SIGTERM or SIGINT, then lets `close` close server and store, and exits 0. */
export function serveUntilStopped(
  front: NetServer,
  port: number,
  host: string,
  close: (done: () => void) => void,
): void {
  front.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  front.listen(port, host, () => process.stderr.write(`listening on ${host}:${port}\n`));
  const stop = (): void => {
    close(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
