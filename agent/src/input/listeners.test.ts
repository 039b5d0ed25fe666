import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { isMillraceError } from '@millrace/core/errors.ts';
import { until } from '../testing/harness.ts';
import { type Datagram, Listeners, type Taker } from './listeners.ts';

const host = '127.0.0.1';
const taken = (error: unknown) => isMillraceError(error, 'PORT_TAKEN');

/** Keeps what it takes. */
class Keeper<E> implements Taker<E> {
  readonly events: E[] = [];
  lost = 0;
  take(event: E): void {
    this.events.push(event);
  }
  dropped(count: number): void {
    this.lost += count;
  }
  failed(): void {}
}

function open(t: TestContext) {
  const listeners = new Listeners();
  const releases: (() => void)[] = [];
  t.after(() => {
    for (const release of releases) release();
    listeners.closeUnused();
  });
  const held = (release: () => void) => {
    releases.push(release);
    return release;
  };
  return { listeners, held };
}

function sender(t: TestContext, port: number) {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  return promisify((bytes: Uint8Array | string, done: (error: Error | null) => void) =>
    socket.send(bytes, port, host, done),
  );
}

async function dial(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, host);
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test("datagrams that come between two takers are the next one's, in order", async (t) => {
  const { listeners, held } = open(t);
  const first = new Keeper<Datagram>();
  const release = held(await listeners.udp(host, 0, first));
  const send = sender(t, listeners.udpPort(host, 0) ?? 0);
  await send('0');
  await until(() => first.events.length === 1, 'the first datagram');
  release();
  for (let i = 1; i <= 500; i++) await send(String(i));
  const second = new Keeper<Datagram>();
  held(await listeners.udp(host, 0, second));
  await send('501');
  await until(() => second.events.length === 501, 'all datagrams');
  assert.deepEqual(
    second.events.map(({ bytes }) => Number(bytes)),
    Array.from({ length: 501 }, (_, i) => i + 1),
  );
  assert.equal(first.events.length, 1);
  assert.equal(second.lost, 0);
});

test('more datagrams than may wait are counted, and told to the next taker', async (t) => {
  const { listeners, held } = open(t);
  held(await listeners.udp(host, 0, new Keeper<Datagram>()))();
  const send = sender(t, listeners.udpPort(host, 0) ?? 0);
  const total = 400;
  for (let i = 0; i < total; i++) {
    await send(Buffer.alloc(60_000));
    // The system's buffer is emptied.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const next = new Keeper<Datagram>();
  held(await listeners.udp(host, 0, next));
  await until(() => next.events.length + next.lost === total, 'each is there or counted');
  assert.ok(next.lost > 0 && next.events.length > 200, `${next.events.length} of ${total}`);
});

test("connections made between two takers are the next one's, with what they sent", async (t) => {
  const { listeners, held } = open(t);
  held(await listeners.tcp(host, 0, new Keeper<Socket>()))();
  const client = await dial(t, listeners.tcpPort(host, 0) ?? 0);
  client.write('hello');
  const next = new Keeper<Socket>();
  held(await listeners.tcp(host, 0, next));
  await until(() => next.events.length === 1, 'the connection');
  const [chunk] = await once(next.events[0] as Socket, 'data');
  assert.equal(String(chunk), 'hello');
  next.events[0]?.destroy();
});

test('a socket that no taker uses any more is closed, with the connections that wait in it', async (t) => {
  const { listeners, held } = open(t);
  const release = held(await listeners.tcp(host, 0, new Keeper<Socket>()));
  const port = listeners.tcpPort(host, 0) ?? 0;
  listeners.closeUnused();
  assert.equal(listeners.tcpPort(host, 0), port, 'one that is used stays');
  release();
  const client = await dial(t, port);
  await new Promise((resolve) => setTimeout(resolve, 20));
  listeners.closeUnused();
  await once(client, 'close');
  assert.equal(listeners.tcpPort(host, 0), undefined);
  await assert.rejects(dial(t, port), { code: 'ECONNREFUSED' });
});

test('a port that is taken by another process, or by two sources, is refused', async (t) => {
  const { listeners, held } = open(t);
  held(await listeners.tcp(host, 0, new Keeper<Socket>()));
  held(await listeners.udp(host, 0, new Keeper<Datagram>()));
  const [tcp, udp] = [listeners.tcpPort(host, 0) ?? 0, listeners.udpPort(host, 0) ?? 0];
  const other = new Listeners();
  await assert.rejects(other.tcp(host, tcp, new Keeper<Socket>()), taken);
  await assert.rejects(other.udp(host, udp, new Keeper<Datagram>()), taken);
  await assert.rejects(listeners.tcp(host, 0, new Keeper<Socket>()), /two sources/);
  await assert.rejects(other.tcp('203.0.113.1', 0, new Keeper<Socket>()), (error) =>
    isMillraceError(error, 'CONFIG_INVALID'),
  );
});

test('after a reload with another address the port is had of the one before', async (t) => {
  const { listeners, held } = open(t);
  const release = held(await listeners.tcp(host, 0, new Keeper<Socket>()));
  const port = listeners.tcpPort(host, 0) ?? 0;
  release();
  listeners.closeUnused();
  const before = held(await listeners.tcp(host, port, new Keeper<Socket>()));
  await assert.rejects(listeners.tcp('0.0.0.0', port, new Keeper<Socket>()), taken, 'it is in use');
  before();
  const next = new Keeper<Socket>();
  held(await listeners.tcp('0.0.0.0', port, next));
  await dial(t, port);
  await until(() => next.events.length === 1, 'a connection');
  next.events[0]?.destroy();
});
