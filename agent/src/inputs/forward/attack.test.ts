import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { encode } from '@msgpack/msgpack';
import { ForwardClient, packed, ping } from '../../testing/forward-client.ts';
import { InputCase } from '../../testing/input-case.ts';

const plain = ['@type forward', 'port PORT'];

/** A map whose name is a map whose name is … a text of quotes. */
function namesInNames(depth: number): Buffer {
  const name = encode('"\\"');
  return Buffer.concat([Buffer.alloc(depth, 0x81), name, Buffer.alloc(depth, 0x01)]);
}

/** `[seconds, record]` of raw MessagePack. */
function entry(record: Uint8Array, time: Uint8Array = encode(1_700_000_000)): Buffer {
  return Buffer.concat([Buffer.of(0x92), time, record]);
}

test('hostile events are counted as none, and the others of their message are taken', async (t) => {
  const world = await InputCase.open(t, plain);
  await world.start();
  const client = await ForwardClient.connect(world.port);
  const hostile: [string, Buffer][] = [
    ['names in names: each level doubles the escapes', entry(namesInNames(60))],
    ['a time in arrays', entry(encode({}), Buffer.concat([Buffer.alloc(100_000, 0x91), Buffer.of(1)]))],
    [
      'arrays in arrays',
      entry(Buffer.concat([Buffer.of(0x81, 0xa1, 0x61), Buffer.alloc(100_000, 0x91), Buffer.of(1)])),
    ],
    ['an extension as time, of another size', entry(encode({}), Buffer.of(0xd4, 0, 0))],
    ['a record that is none', entry(encode([1]))],
  ];
  for (const [name, bytes] of hostile)
    client.send([
      't',
      Buffer.concat([packed({ name }), bytes, packed({ after: name })]),
      { chunk: name.slice(0, 30) },
    ]);
  // A head that promises more than there is makes the rest no events.
  for (const head of ['dfffffffff', 'ddffffffff', 'c6ffffffff', 'c9ffffffff00'])
    client.send(['t', Buffer.concat([packed({ head }), Buffer.from(head, 'hex')]), { chunk: head }]);
  await world.until(() => client.acks().length === hostile.length + 4, 'all acknowledgements');
  await client.end();
  await world.stop();
  assert.equal(world.texts().length, hostile.length * 2 + 4);
  assert.equal(
    world.agent.events('events_invalid').reduce((sum, { events }) => sum + Number(events), 0),
    hostile.length + 4,
  );
});

test('what becomes many times as long as JSON, or in memory, ends its connection alone', async (t) => {
  const world = await InputCase.open(t, [...plain, 'chunk_size_limit 1m', 'decompressed_size_limit 4m']);
  await world.start();
  const good = await ForwardClient.connect(world.port);
  const bombs: [Uint8Array, RegExp][] = [
    // Three bytes an event, forty as JSON.
    [
      encode(['t', gzipSync(Buffer.alloc(3_900_000, Buffer.of(0x92, 0, 0x80))), { compressed: 'gzip' }]),
      /as JSON/,
    ],
    [
      encode(['t', gzipSync(entry(encode({ a: new Array(3_000_000).fill(null) }))), { compressed: 'gzip' }]),
      /as JSON/,
    ],
    [
      encode(['t', Buffer.concat(new Array(1_001).fill(zstdCompressSync(''))), { compressed: 'zstd' }]),
      /zstd frames/,
    ],
    [encode(['t', packed({ n: 1 }), { chunk: 'c'.repeat(2_000) }]), /chunk id/],
  ];
  for (const [i, [bytes, reason]] of bombs.entries()) {
    const client = await ForwardClient.connect(world.port);
    client.socket.write(bytes);
    await world.until(() => client.closed, `bomb ${i} ends its connection`);
    await world.until(
      () => world.agent.events('connection_failed').some(({ error }) => reason.test(String(error))),
      `the reason of ${i}`,
    );
  }
  good.send(['t', packed({ n: 1 }), { chunk: 'good' }]);
  await world.until(() => good.acks().length === 1, 'the acknowledgement');
  await good.end();
  await world.stop();
  assert.equal(world.texts().length, 1);
});

test('who has proven nothing is heard for a few bytes', async (t) => {
  const world = await InputCase.open(t, [
    ...plain,
    ...['<security>', 'self_hostname server', 'shared_key k', '</security>'],
  ]);
  await world.start();
  const stranger = await ForwardClient.connect(world.port);
  stranger.send(['PING', Buffer.alloc(1_000_000)]);
  await world.until(() => stranger.closed, 'the connection ends');
  assert.match(String(world.agent.events('connection_failed')[0]?.error), /more than 16384 bytes/);
  const client = await ForwardClient.connect(world.port);
  await world.until(() => client.answers().length === 1, 'HELO');
  client.send(ping(client.answers()[0], { sharedKey: 'k' }, 'server').message);
  client.send(['t', packed({ x: 'y'.repeat(1_000_000) }), { chunk: 'c' }]);
  await world.until(() => client.acks().length === 1, 'the acknowledgement');
  await client.end();
  await world.stop();
});

test('a stop does not wait for a stream that is down, for a chunk that came again', async (t) => {
  const world = await InputCase.open(t, [...plain, 'ack stream']);
  world.match = ['drain_timeout 1s'];
  world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  await world.start();
  const chunk = ['t', packed({ n: 1 }), { chunk: 'c' }];
  const first = await ForwardClient.connect(world.port);
  first.send(chunk);
  await world.until(() => world.stream.calls.length > 1, 'the stream is asked');
  await world.agent.kill();
  await world.start();
  const second = await ForwardClient.connect(world.port);
  second.send(chunk);
  const calls = world.stream.calls.length;
  await world.until(() => world.stream.calls.length > calls + 2, 'the stream is asked again');
  const ended = world.agent.stop();
  await world.until(() => !world.agent.running, 'the agent ends');
  assert.equal(await ended, 1, 'with blocks left');
  assert.deepEqual(second.acks(), []);
});

test('ten thousand tags and chunk ids: each is stored once, and memory stays where it was', async (t) => {
  const world = await InputCase.open(t, plain);
  world.match = ['outbox_size 64m'];
  await world.start();
  const client = await ForwardClient.connect(world.port);
  const total = 10_000;
  for (let i = 0; i < total; i++) client.send([`tag.${i}`, packed({ i }), { chunk: `c${i}` }]);
  await world.until(() => client.acks().length === total, 'all acknowledgements');
  await client.end();
  await world.stop();
  assert.equal(new Set(world.records()).size, total);
});
