import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ForwardClient, packed } from '../testing/forward-client.ts';
import { InputCase } from '../testing/input-case.ts';

const forward = ['@type forward', 'port PORT'];

function lines(total: number): string[] {
  return Array.from({ length: total }, (_, i) => `{"@time":"2023-11-14T22:13:20Z","n":${i}}\n`);
}

test('kill -9 after the commit and before any acknowledgement arrives: what is sent again is there once', async (t) => {
  const world = await InputCase.open(t, forward);
  await world.start();
  const total = 200;
  const chunks = Array.from({ length: total }, (_, i) => ['t', packed({ n: i }), { chunk: `chunk ${i}` }]);
  const deaf = await ForwardClient.connect(world.port);
  deaf.socket.pause();
  for (const chunk of chunks) deaf.send(chunk);
  // A block is sent after its commit: each chunk is stored, and its client has heard nothing.
  await world.until(() => world.texts().length === total, 'all events are in the stream');
  await world.agent.kill();
  assert.deepEqual(deaf.acks(), []);
  deaf.socket.destroy();
  await world.start();
  const client = await ForwardClient.connect(world.port);
  for (const chunk of chunks) client.send(chunk);
  await world.until(() => client.acks().length === total, 'all acknowledgements');
  await client.end();
  await world.stop();
  assert.deepEqual(world.texts().toSorted(), lines(total).toSorted());
  assert.equal(world.agent.events('chunk_repeated').length, total);
});

test('kill -9 between two blocks of one chunk: sent again, its events have the ids that they had', async (t) => {
  const world = await InputCase.open(t, forward);
  world.match = ['outbox_size 2m'];
  // What comes is stored, and never acknowledged: the outbox is full before the chunk is in it.
  world.stream.always = { do: 'hang', stored: true };
  await world.start();
  const records = Array.from({ length: 100 }, (_, n) => ({
    n,
    x: Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64'),
  }));
  const chunk = ['t', packed(...records), { chunk: 'c' }];
  const first = await ForwardClient.connect(world.port);
  first.send(chunk);
  await world.until(() => world.agent.events('outbox_full').length > 0, 'the outbox is full');
  await world.until(() => world.texts().length > 0, 'a part is in the stream');
  await world.agent.kill();
  assert.deepEqual(first.acks(), []);
  const part = world.texts().length;
  assert.ok(part < records.length, `${part}`);
  world.stream.always = { do: 'accept' };
  await world.start();
  const second = await ForwardClient.connect(world.port);
  second.send(chunk);
  await world.until(() => second.acks().length === 1, 'the acknowledgement');
  await second.end();
  await world.stop();
  assert.deepEqual(
    world
      .texts()
      .map((text) => JSON.parse(text).n)
      .toSorted((a, b) => a - b),
    records.map(({ n }) => n),
  );
});

/** Sends chunks one after another, and again what was not acknowledged when a connection ended. */
async function forwardUntil(world: InputCase, done: () => boolean): Promise<number> {
  let sent = 0;
  while (!done()) {
    const client = await ForwardClient.connect(world.port);
    while (!client.closed && !client.socket.readableEnded) {
      if (client.acks().includes(`chunk ${sent}`)) {
        sent++;
        if (done()) break;
      }
      client.send(['forward', packed({ n: sent }), { chunk: `chunk ${sent}` }]);
      const before = sent;
      while (!client.closed && !client.acks().includes(`chunk ${before}`)) await delay(1);
    }
    client.socket.destroy();
  }
  return sent;
}

/** Sends lines, and goes on with another connection when the agent ends one. */
async function syslogUntil(world: InputCase, done: () => boolean): Promise<number> {
  let sent = 0;
  while (!done()) {
    const socket = connect(world.port, '127.0.0.2');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    let ended = false;
    socket.once('end', () => {
      ended = true;
    });
    while (!ended && !done()) {
      socket.write(`<14>tcp ${sent++}\n`);
      await delay(1);
    }
    socket.end();
    await closed;
  }
  return sent;
}

async function datagramsUntil(world: InputCase, done: () => boolean): Promise<number> {
  const socket = createSocket('udp4');
  const send = promisify((text: string, then: (error: Error | null) => void) =>
    socket.send(text, world.port, '127.0.0.3', then),
  );
  let sent = 0;
  while (!done()) {
    for (let i = 0; i < 5; i++) await send(`<14>udp ${sent++}`);
    await delay(1);
  }
  socket.close();
  return sent;
}

test('SIGHUP while events come by forward, TCP and UDP: each is there once', async (t) => {
  const world = await InputCase.open(t, [
    ...[...forward, '</source>'],
    ...[
      '<source>',
      '@type syslog',
      'bind 127.0.0.2',
      'port PORT',
      'tag tcp',
      'protocol_type tcp',
      '</source>',
    ],
    ...['<source>', '@type syslog', 'bind 127.0.0.3', 'port PORT', 'tag udp'],
  ]);
  await world.start();
  let over = false;
  const done = () => over;
  const sending = Promise.all([
    forwardUntil(world, done),
    syslogUntil(world, done),
    datagramsUntil(world, done),
  ]);
  for (let reload = 1; reload <= 4; reload++) {
    await delay(150);
    world.agent.reload();
    await world.until(() => world.agent.events('agent_started').length === reload + 1, 'it runs again');
  }
  await delay(100);
  over = true;
  const [chunks, tcp, udp] = await sending;
  const numbers = (pattern: RegExp) =>
    world
      .texts()
      .flatMap((text) => pattern.exec(text)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  const all = (count: number) => Array.from({ length: count }, (_, i) => i);
  await world.until(() => numbers(/^<14>udp (\d+)/).length >= udp, 'all datagrams');
  await world.stop();
  assert.ok(chunks > 10 && tcp > 100 && udp > 500, `${chunks} ${tcp} ${udp}`);
  assert.deepEqual(numbers(/^<14>udp (\d+)/), all(udp));
  assert.deepEqual(numbers(/^<14>tcp (\d+)/), all(tcp));
  // The last one may be on its way without an answer.
  assert.deepEqual(numbers(/"n":(\d+)/).slice(0, chunks), all(chunks));
  assert.ok(numbers(/"n":(\d+)/).length <= chunks + 1);
  assert.equal(world.agent.events('datagrams_dropped').length, 0);
});
