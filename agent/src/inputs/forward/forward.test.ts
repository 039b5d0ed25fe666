import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { encode } from '@msgpack/msgpack';
import { ForwardClient, packed, ping } from '../../testing/forward-client.ts';
import { InputCase } from '../../testing/input-case.ts';

const plain = ['@type forward', 'port PORT'];
const at = '"@time":"2023-11-14T22:13:20Z"';

function line(record: string): string {
  return `{${at},${record}}\n`;
}

test('messages of each mode come to the stream, chunks are acknowledged', async (t) => {
  const world = await InputCase.open(t, [...plain, 'add_tag_prefix in', 'source_address_key from']);
  await world.start();
  const client = await ForwardClient.connect(world.port);
  client.send(['a', 1_700_000_000, { n: 1 }]);
  client.send(null);
  client.send(['a', [[1_700_000_000, { n: 2 }]], { chunk: 'two' }]);
  client.send(['b', packed({ n: 3 }, { n: 4 }), { chunk: 'three' }]);
  client.send(['b', gzipSync(packed({ n: 5 })), { chunk: 'four', compressed: 'gzip' }]);
  client.send(['b', 1_700_000_000, { n: 6 }, { chunk: 'five' }]);
  client.send(['c', packed(), { chunk: 'empty' }]);
  await world.until(() => client.acks().length === 5, 'five acknowledgements');
  assert.deepEqual(client.acks().toSorted(), ['empty', 'five', 'four', 'three', 'two']);
  await client.end();
  await world.stop();
  const from = '"from":"127.0.0.1"';
  assert.deepEqual(
    world.records().toSorted(),
    ['a 1', 'a 2', 'b 3', 'b 4', 'b 5', 'b 6'].map((each) => {
      const [tag, n] = each.split(' ');
      return `in.${tag} ${line(`"n":${n},${from}`)}`;
    }),
  );
});

test('a stream that comes byte by byte is taken once', async (t) => {
  const world = await InputCase.open(t, plain);
  await world.start();
  const client = await ForwardClient.connect(world.port);
  const bytes = Buffer.from(encode(['t', packed({ n: 1 }, { text: 'x'.repeat(40) }), { chunk: 'c' }]));
  for (const byte of bytes) {
    client.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await world.until(() => client.acks().length === 1, 'the acknowledgement');
  await client.end();
  await world.stop();
  assert.deepEqual(world.texts(), [line('"n":1'), line(`"text":"${'x'.repeat(40)}"`)]);
});

test('a record with a member of the name of the time keeps it', async (t) => {
  const world = await InputCase.open(t, plain);
  await world.start();
  const client = await ForwardClient.connect(world.port);
  client.send(['t', 1_700_000_000, { n: 1 }]);
  client.send(['t', 1_700_000_000, { '@time': 'mine', '@time_': 2 }]);
  client.send(['t', 1_700_000_000, { n: 3 }]);
  await client.end();
  await world.until(() => world.texts().length === 3, 'three records');
  await world.stop();
  assert.deepEqual(world.texts(), [
    line('"n":1'),
    '{"@time__":"2023-11-14T22:13:20Z","@time":"mine","@time_":2}\n',
    line('"n":3'),
  ]);
});

test('a chunk that comes again is acknowledged and not stored again: on the same and another connection, after kill -9', async (t) => {
  const world = await InputCase.open(t, plain);
  await world.start();
  const chunk = ['t', packed({ n: 1 }), { chunk: 'the chunk' }];
  const first = await ForwardClient.connect(world.port);
  first.send(chunk);
  first.send(chunk);
  await world.until(() => first.acks().length === 2, 'two acknowledgements');
  const second = await ForwardClient.connect(world.port);
  second.send(chunk);
  await world.until(() => second.acks().length === 1, 'an acknowledgement');
  await world.agent.kill();
  await world.start();
  const third = await ForwardClient.connect(world.port);
  third.send(chunk);
  // The same id with other events, or with another tag, is another chunk.
  third.send(['t', packed({ n: 2 }), { chunk: 'the chunk' }]);
  third.send(['u', packed({ n: 2 }), { chunk: 'the chunk' }]);
  await world.until(() => third.acks().length === 3, 'three acknowledgements');
  await third.end();
  await world.stop();
  assert.deepEqual(world.texts(), [line('"n":1'), line('"n":2'), line('"n":2')]);
  assert.equal(world.agents.flatMap((agent) => agent.events('chunk_repeated')).length, 3);
});

test('kill -9 at any moment: what was acknowledged is in the stream once, and what is sent again is there once', async (t) => {
  const world = await InputCase.open(t, plain);
  const total = 300;
  const acknowledged = new Set<string>();
  for (let round = 0; round <= 4; round++) {
    await world.start();
    const client = await ForwardClient.connect(world.port);
    let sending = true;
    const sender = (async () => {
      for (let i = 0; i < total && sending; i++) {
        if (acknowledged.has(`chunk ${i}`)) continue;
        client.send(['t', packed({ n: i }), { chunk: `chunk ${i}` }]);
        if (i % 20 === 0) await delay(2);
      }
    })();
    const before = acknowledged.size;
    const aim = round < 4 ? Math.min(before + 1 + round * 9, total) : total;
    await world.until(() => before + client.acks().length >= aim, `${aim} acknowledgements`);
    if (round < 4) await world.agent.kill();
    sending = false;
    await sender;
    for (const ack of client.acks()) acknowledged.add(ack);
    client.socket.destroy();
  }
  await world.stop();
  const expected = Array.from({ length: total }, (_, i) => line(`"n":${i}`));
  assert.deepEqual(world.texts().toSorted(), expected.toSorted());
});

test('with ack stream a chunk is acknowledged when the stream has it, also one that an earlier process took', async (t) => {
  const world = await InputCase.open(t, [...plain, 'ack stream']);
  world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  await world.start();
  const chunk = ['t', packed({ n: 1 }), { chunk: 'c' }];
  const first = await ForwardClient.connect(world.port);
  first.send(chunk);
  await world.until(() => world.stream.calls.length > 2, 'the stream is asked');
  assert.deepEqual(first.acks(), []);
  await world.agent.kill();
  await world.start();
  const second = await ForwardClient.connect(world.port);
  second.send(chunk);
  const calls = world.stream.calls.length;
  await world.until(() => world.stream.calls.length > calls + 2, 'the stream is asked again');
  assert.deepEqual(second.acks(), []);
  world.stream.always = { do: 'accept' };
  await world.until(() => second.acks().length === 1, 'the acknowledgement');
  assert.deepEqual(world.texts(), [line('"n":1')]);
  await second.end();
  await world.stop();
});

test('a full outbox: the sender waits, nothing is acknowledged that is not stored, and all arrives when there is room', async (t) => {
  const world = await InputCase.open(t, plain);
  world.match = ['outbox_size 2m'];
  world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  await world.start();
  const client = await ForwardClient.connect(world.port);
  const total = 300;
  const noise = (i: number) =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(30_000))).toString('base64') + i;
  const sent = Array.from({ length: total }, (_, i) => noise(i));
  for (const [i, x] of sent.entries()) client.send(['t', packed({ x }, { x: `${x}.` }), { chunk: `c${i}` }]);
  await world.until(() => world.agent.events('outbox_full').length > 0, 'the outbox is full');
  await world.until(() => client.socket.writableLength > 0, 'the sender waits');
  await delay(300);
  assert.ok(client.acks().length < total / 2, `${client.acks().length} acknowledged`);
  world.stream.always = { do: 'accept' };
  await world.until(() => client.acks().length === total, 'all acknowledgements');
  await client.end();
  await world.stop();
  assert.equal(world.texts().length, total * 2);
  assert.deepEqual(
    new Set(world.texts()),
    new Set(sent.flatMap((x) => [line(`"x":"${x}"`), line(`"x":"${x}."`)])),
  );
});

test('a stop acknowledges what was taken, and says farewell', async (t) => {
  const world = await InputCase.open(t, plain);
  await world.start();
  const client = await ForwardClient.connect(world.port);
  for (let i = 0; i < 50; i++) client.send(['t', packed({ i }), { chunk: `c${i}` }]);
  await world.until(() => client.acks().length > 0, 'an acknowledgement');
  const [code] = await Promise.all([world.agent.stop(), once(client.socket, 'close')]);
  assert.equal(code, 0);
  const stored = new Set(world.texts());
  for (const ack of client.acks()) assert.ok(stored.has(line(`"i":${ack.slice(1)}`)), ack);
});

test('garbage and messages over the limit end their connection alone, with the reason', async (t) => {
  const world = await InputCase.open(t, [
    ...plain,
    'chunk_size_limit 100k',
    'chunk_size_warn_limit 10k',
    'decompressed_size_limit 1m',
  ]);
  await world.start();
  const good = await ForwardClient.connect(world.port);
  const bad: [Uint8Array, RegExp][] = [
    [Buffer.from('GET / HTTP/1.1\r\n\r\n'), /array of a tag/],
    [Buffer.from([0xc1, 0, 0]), /no MessagePack/],
    [encode(['t', Buffer.alloc(200_000)]), /more than 102400 bytes/],
    [encode(['t', gzipSync(Buffer.alloc(2_000_000)), { compressed: 'gzip' }]), /when decompressed/],
    [encode(['t', Buffer.from('no gzip'), { compressed: 'gzip' }]), /do not decompress/],
  ];
  for (const [i, [bytes, reason]] of bad.entries()) {
    const client = await ForwardClient.connect(world.port);
    client.socket.write(bytes);
    await world.until(() => client.closed, 'the connection ends');
    await world.until(() => world.agent.events('connection_failed').length === i + 1, 'the reason');
    assert.match(String(world.agent.events('connection_failed')[i]?.error), reason);
  }
  good.send(['t', [[1_700_000_000, { n: 1 }], 'none', [1, 2]], { chunk: 'c' }]);
  good.send(['t', packed({ x: 'y'.repeat(20_000) }), { chunk: 'large' }]);
  await world.until(() => good.acks().length === 2, 'acknowledgements');
  await world.until(() => world.agent.events('chunk_large').length === 1, 'the warning');
  assert.equal(world.agent.events('events_invalid')[0]?.events, 2);
  await good.end();
  await world.stop();
  assert.equal(world.texts().length, 2);
});

test('with skip_invalid_event false a message with what is no event is not acknowledged', async (t) => {
  const world = await InputCase.open(t, [...plain, 'skip_invalid_event false']);
  await world.start();
  const client = await ForwardClient.connect(world.port);
  client.send(['t', [[1, { n: 1 }], 'none'], { chunk: 'c' }]);
  await world.until(() => client.closed, 'the connection ends');
  assert.deepEqual(client.acks(), []);
  await world.stop();
  assert.deepEqual(world.texts(), []);
});

test('connections beyond connections_max are closed, and places become free', async (t) => {
  const world = await InputCase.open(t, [...plain, 'connections_max 2', 'deny_keepalive true']);
  await world.start();
  const [first, second] = [await ForwardClient.connect(world.port), await ForwardClient.connect(world.port)];
  const third = await ForwardClient.connect(world.port);
  await world.until(() => third.closed, 'the third is closed');
  assert.equal(world.agent.events('connection_refused')[0]?.why, 'connections_max');
  first.send(['t', packed({ n: 1 }), { chunk: 'c' }]);
  // deny_keepalive: it is closed behind its first message.
  await world.until(() => first.closed, 'the first is closed');
  assert.deepEqual(first.acks(), ['c']);
  // The agent may see the end of the first a moment later than its client does.
  let fourth = await ForwardClient.connect(world.port);
  while (fourth.acks().length === 0) {
    if (fourth.closed) fourth = await ForwardClient.connect(world.port);
    if (fourth.socket.bytesWritten === 0) fourth.send(['t', packed({ n: 2 }), { chunk: 'd' }]);
    await delay(10);
  }
  second.socket.destroy();
  await world.stop();
});

test('heartbeats by UDP are answered', async (t) => {
  const world = await InputCase.open(t, plain);
  await world.start();
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.send(Buffer.from([0]), world.port, '127.0.0.1');
  const [answer] = await once(socket, 'message');
  assert.deepEqual(answer, Buffer.from([0]));
  await world.stop();
});

test('the handshake lets in who knows the keys, and nobody else', async (t) => {
  const security = [
    ...['<security>', 'self_hostname server', 'shared_key general', 'user_auth true'],
    ...['allow_anonymous_source false'],
    ...['<user>', 'username alice', 'password secret', '</user>'],
    ...['<user>', 'username bob', 'password other', '</user>'],
    ...['<client>', 'network 127.0.0.0/8', 'shared_key own', 'users alice', '</client>', '</security>'],
  ];
  const world = await InputCase.open(t, [...plain, ...security]);
  await world.start();
  const knock = async (proof: Parameters<typeof ping>[1]) => {
    const client = await ForwardClient.connect(world.port);
    await world.until(() => client.answers().length === 1, 'HELO');
    const { message, expected } = ping(client.answers()[0], proof, 'server');
    client.send(message);
    client.send(['t', packed({ n: 1 }), { chunk: 'c' }]);
    await world.until(() => client.answers().length > 1, 'PONG');
    const pong = client.answers()[1] as unknown[];
    return { client, pong, expected };
  };
  const refusals: [string, Parameters<typeof ping>[1], string][] = [
    ['another key', { sharedKey: 'general', user: 'alice', password: 'secret' }, 'shared_key mismatch'],
    [
      'another password',
      { sharedKey: 'own', user: 'alice', password: 'other' },
      'username/password mismatch',
    ],
    ['no user', { sharedKey: 'own' }, 'username/password mismatch'],
    [
      'a user of other hosts',
      { sharedKey: 'own', user: 'bob', password: 'other' },
      'username/password mismatch',
    ],
  ];
  for (const [name, proof, reason] of refusals)
    await t.test(name, async () => {
      const { client, pong } = await knock(proof);
      assert.deepEqual(pong, ['PONG', false, reason, '', '']);
      await world.until(() => client.closed, 'the connection ends');
      assert.deepEqual(client.acks(), []);
    });
  await t.test('no PING', async () => {
    const client = await ForwardClient.connect(world.port);
    client.send(['t', packed({ n: 2 }), { chunk: 'c' }]);
    await world.until(() => client.closed, 'the connection ends');
    assert.deepEqual(client.acks(), []);
  });
  const { client, pong, expected } = await knock({ sharedKey: 'own', user: 'alice', password: 'secret' });
  assert.deepEqual(pong, ['PONG', true, '', 'server', expected]);
  await world.until(() => client.acks().length === 1, 'the acknowledgement');
  await client.end();
  await world.stop();
  assert.deepEqual(world.texts(), [line('"n":1')]);
});
