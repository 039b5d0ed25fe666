/** The stream stand-in as a process: `node kinesis-server.ts PORT FOLDER [ADDRESS]`; on loopback without an address. */
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { guardedListener, serveUntilStopped } from './serve.ts';
import { createStreamStore } from './stream-store.ts';

const [port, path, host = '127.0.0.1'] = process.argv.slice(2);
if (port === undefined || path === undefined)
  throw new TypeError('usage: kinesis-server.ts PORT FOLDER [ADDRESS]');

const store = createStreamStore({
  path,
  createStreamMs: 0,
  deleteStreamMs: 0,
  updateStreamMs: 0,
  shardLimit: 1000,
});
const listener = guardedListener(store);
const http1 = createHttp({ keepAliveTimeout: 120_000, requestTimeout: 0 }, listener);
const http2 = createHttp2();
// Node's compatibility API serves HTTP/2 requests with a listener written for HTTP/1; the types do not say so.
http2.on('request', listener as unknown as (req: Http2ServerRequest, res: Http2ServerResponse) => void);
http2.on('sessionError', () => undefined);

/** KCL's client speaks HTTP/2 with prior knowledge, the AWS SDK for JavaScript HTTP/1.1: the first bytes tell. */
const front = createServer((socket: Socket) => {
  socket.on('error', () => socket.destroy());
  socket.setNoDelay(true);
  socket.once('data', (chunk: Buffer) => {
    socket.pause();
    socket.unshift(chunk);
    if (chunk.subarray(0, 3).toString('latin1') === 'PRI') {
      http2.emit('connection', socket);
    } else {
      http1.emit('connection', socket);
      socket.resume();
    }
  });
});

serveUntilStopped(front, Number(port), host, (done) => {
  front.close();
  http1.closeAllConnections();
  // The store's own close also stops its server, which never listened: its error is expected.
  store.close(() => done());
});
