/** Loaded before a program that would listen on every address and has no setting for it: it listens on loopback. */
import { Server } from 'node:net';

const listen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server;
Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  const [port, ...rest] = args;
  const done = rest.findLast((arg) => typeof arg === 'function');
  if (typeof port !== 'number') return listen.apply(this, args);
  return listen.call(this, { port, host: '127.0.0.1' }, done);
} as Server['listen'];
