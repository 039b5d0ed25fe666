/** The lease table stand-in as a process: `node leases-server.ts PORT FOLDER [ADDRESS]`; on loopback without an address. */
import dynalite from 'dynalite';
import { guardedListener, serveUntilStopped } from './serve.ts';

const [port, path, host = '127.0.0.1'] = process.argv.slice(2);
if (port === undefined || path === undefined)
  throw new TypeError('usage: leases-server.ts PORT FOLDER [ADDRESS]');

const store = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
const listener = guardedListener(store);
store.removeAllListeners('request');
store.on('request', listener);
store.keepAliveTimeout = 120_000;

serveUntilStopped(store, Number(port), host, (done) => {
  store.close(() => done());
  store.closeAllConnections();
});
