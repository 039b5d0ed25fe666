import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMillraceError } from '@millrace/core/errors.ts';
import { encode } from '@msgpack/msgpack';
import { VirtualClock, VirtualTime } from '../../testing/virtual-clock.ts';
import { MessageReader } from './messages.ts';
import { ReceiveMemory } from './receive-memory.ts';

const limit = (error: unknown) => isMillraceError(error, 'WIRE_LIMIT');

function world(bytes: number) {
  const time = new VirtualTime(0, () => 0.5);
  const clock = new VirtualClock(time);
  const memory = new ReceiveMemory(bytes, clock);
  const evicted: MessageReader[] = [];
  const readerOf = (bytesMax: number) => {
    const sender = {
      gone: false,
      // As a connection does that is destroyed.
      evict() {
        sender.gone = true;
        evicted.push(reader);
        reader.close();
      },
    };
    const reader: MessageReader = new MessageReader(bytesMax, memory, () => clock.monotonic(), sender);
    return reader;
  };
  return { time, memory, evicted, readerOf };
}

async function feed(reader: MessageReader, bytes: Uint8Array): Promise<string[]> {
  await reader.makeRoom(bytes.length);
  return [...reader.feed(Buffer.from(bytes))].map((each) => each.toString('hex'));
}

test('a stream of messages is cut the same, whatever pieces it comes in', async () => {
  const messages = [
    encode(['a', Buffer.from('92'.repeat(20)), { chunk: 'c' }]),
    encode(null),
    encode(['t', 1.5, { x: [1, { y: 2.5 }] }]),
  ];
  const long = encode(['b', Buffer.alloc(70_000)]);
  const stream = Buffer.concat([...messages, long, ...messages]);
  const expected = [...messages, long, ...messages].map((each) => Buffer.from(each).toString('hex'));
  const { readerOf } = world(1_000_000);
  const cut = async (pieces: Buffer[]) => {
    const reader = readerOf(100_000);
    const found: string[] = [];
    for (const piece of pieces) found.push(...(await feed(reader, piece)));
    return found;
  };
  const start = stream.length - messages.reduce((sum, each) => sum + each.length, 0) - 20;
  for (let at = 0; at <= stream.length; at += at < 150 || at > start ? 1 : 997)
    assert.deepEqual(await cut([stream.subarray(0, at), stream.subarray(at)]), expected);
  assert.deepEqual(await cut(Array.from(stream, (_, i) => stream.subarray(i, i + 1))), expected);
});

test('a message over the limit ends the stream, told by its head, before its bytes came', async () => {
  const { readerOf } = world(1_000_000);
  for (const bytes of [
    encode(['t', Buffer.alloc(1000)]),
    ...['92a174c6ffffffff', 'ddffffffff', '92a174dfffffffff'],
  ])
    await assert.rejects(
      feed(readerOf(1000), typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes),
      limit,
    );
  await assert.rejects(feed(readerOf(1000), Buffer.from([0xc1])), (error) =>
    isMillraceError(error, 'WIRE_CORRUPT'),
  );
});

const large = Buffer.from(encode(['t', Buffer.alloc(120_000)]));

test('who finds no room waits, and goes on when another gives its room back', async () => {
  const { readerOf, evicted, time } = world(250_000);
  const first = readerOf(1_000_000);
  await feed(first, large.subarray(0, 60_000));
  await feed(first, large.subarray(60_000, 119_000));
  const second = readerOf(1_000_000);
  await feed(second, large.subarray(0, 60_000));
  let done = false;
  const rest = feed(second, large.subarray(60_000)).then((found) => {
    done = true;
    return found;
  });
  await time.advance(5_000);
  assert.equal(done, false, 'it waits');
  assert.equal((await feed(first, large.subarray(119_000))).length, 1);
  await time.advance(1_000);
  assert.deepEqual(await rest, [large.toString('hex')]);
  assert.deepEqual(evicted, []);
});

test('a sender that leaves its message unfinished makes room for the others; one that drips too', async () => {
  const { readerOf, evicted, time } = world(250_000);
  const drip = readerOf(1_000_000);
  await feed(drip, large.subarray(0, 60_000));
  await feed(drip, large.subarray(60_000, 119_000));
  for (let i = 0; i < 12; i++) {
    await time.advance(1_000);
    await feed(drip, large.subarray(119_000 + i, 119_001 + i));
  }
  const second = readerOf(1_000_000);
  await feed(second, large.subarray(0, 60_000));
  const found = feed(second, large.subarray(60_000));
  await time.advance(2_000);
  assert.deepEqual(await found, [large.toString('hex')]);
  assert.deepEqual(evicted, [drip]);
});

test('nobody waits for room for ever', async () => {
  const { readerOf, time } = world(190_000);
  const readers = [readerOf(1_000_000), readerOf(1_000_000)];
  for (const reader of readers) await feed(reader, large.subarray(0, 60_000));
  const ends = readers.map((reader) => feed(reader, large.subarray(60_000)).then(() => 'whole', limit));
  await time.advance(31_000);
  assert.deepEqual(await Promise.all(ends), [true, true]);
  for (const reader of readers) reader.close();
  assert.equal((await feed(readerOf(1_000_000), large)).length, 1);
});
