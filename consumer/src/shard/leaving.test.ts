import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { settle } from '@millrace/core/testing/virtual-clock.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { Value } from 'typebox/value';
import { ConsumerConfigSchema } from '../config.ts';
import { decodeBatchBytes, decodeBatchIndex } from '../set-aside/batch-file.ts';
import { archived, block, delivered, setUp } from '../testing/shard-bench.ts';
import { readIncoming } from './incoming.ts';

test('a call that waits for the store is answered when the worker stops, and nothing of it is covered', async () => {
  const { start, process, processor, call, shard, store, objects, checkpoints, checkpointer } = setUp({
    queue_bytes_max: 65_536,
  });
  await start();
  store.down = true;
  const records = Array.from({ length: 300 }, (_, i) => block(1 + i));
  let answered = false;
  processor.processRecords({ records, millisBehindLatest: 0, checkpointer }, () => {
    answered = true;
  });
  assert.equal(await process([], 0), true);
  assert.equal(answered, false, 'the queue is full');
  shard()?.letGo();
  assert.equal(await process([block(900)], 0), true, 'what comes while it leaves is let go too');
  assert.equal(answered, true);
  assert.ok(await call((done) => processor.shutdownRequested({ checkpointer }, done), 12_500));
  const last = Number(checkpoints.at(-1));
  assert.ok(last > 0 && last < 300, `archived up to ${last}, the rest is left`);
  const [footer] = archived(objects);
  assert.equal(footer?.blocks.length, last);
  assert.equal(store.marksHeld.length, 0);
});

test('reading stops at the bytes that wait for S3, and a call that waits for it is answered when the worker stops', async () => {
  const most = 8 * 1024 * 1024;
  const { start, process, processor, call, shard, objects, checkpoints, checkpointer } = setUp({
    buffer_bytes_max: most,
  });
  await start();
  objects.fate = () => 'fails';
  const records = Array.from({ length: 20 }, (_, i) => {
    const { header, payload } = blockOf([
      { bytes: randomBytes(900_000), from: i * 900_000, capturedMs: 1, multiline: false },
    ]);
    return delivered(i, encodeBlock(header, payload));
  });
  assert.equal(await process(records, 60_000), false);
  const { buffered = 0 } = shard()?.writer ?? {};
  assert.ok(buffered >= most && buffered < most + 2 ** 20, `${buffered} bytes wait`);
  shard()?.letGo();
  assert.ok(await call((done) => processor.shutdownRequested({ checkpointer }, done), 12_500));
  assert.deepEqual(checkpoints, []);
});

test('a process that let records go takes none that follow: unasked to shut down, it starts again', async () => {
  const { start, process, shard, clock, checkpoints, failures, processor, call, checkpointer } = setUp();
  await start();
  shard()?.letGo();
  assert.ok(await process([block(1)]));
  assert.equal(await call((done) => processor.shardEnded({ checkpointer }, done)), false, 'not at its end');
  assert.equal(failures.length, 1);
  await clock.advance(60_000);
  assert.equal(await process([block(2)]), false);
  assert.equal(failures.length, 2);
  assert.deepEqual(checkpoints, []);
});

test('a stray signal that let nothing go changes nothing', async () => {
  const { start, process, shard, clock, checkpoints, failures } = setUp();
  await start();
  shard()?.letGo();
  assert.ok(await process([]));
  await clock.advance(60_000);
  await process([block(1)]);
  await clock.advance(31_000);
  await process([]);
  assert.deepEqual(checkpoints, ['1']);
  assert.deepEqual(failures, []);
});

test('a block that processes died at is set aside with its bytes, unread, and the shard goes on', async () => {
  const { start, process, clock, objects, fatal, store, checkpoints } = setUp();
  await start();
  fatal.add('2');
  const bad = block(2);
  assert.ok(await process([block(1), bad, block(3)]));
  await clock.advance(31_000);
  // It is compressed outside of the clock's time.
  const find = () => [...objects.objects].find(([key]) => key.includes('/set-aside/'));
  for (let i = 0; i < 1_000 && find() === undefined; i++) await settle();
  const aside = find();
  await process([]);
  assert.deepEqual(checkpoints.at(-1), '3');
  const stored = aside?.[1].bytes ?? Buffer.alloc(0);
  const [why] = decodeBatchIndex(stored, 'object');
  assert.equal(why?.reason, 'fatal');
  assert.equal(why?.sequence_number, '2');
  assert.deepEqual(decodeBatchBytes(stored, 'object'), Buffer.from(bad.data, 'base64'));
  assert.equal(store.held.size, 2);
  assert.equal(archived(objects)[0]?.blocks.length, 2);
});

test('no mark and no object comes from a lost lease, whatever was under way', async () => {
  for (const how of ['leaseLost', 'ShutdownException'] as const) {
    const { start, process, processor, call, clock, store, objects, checkpoints, refusals } = setUp();
    await start();
    await process([block(1, 'one')]);
    store.down = true;
    await clock.advance(31_000); // complete in S3, waiting for the store with its mark
    objects.fate = () => 'fails';
    if (how === 'ShutdownException') refusals.push(how);
    await process([block(2, 'two')]);
    await clock.advance(31_000); // sealed, waiting for S3
    if (how === 'leaseLost') assert.ok(await call((done) => processor.leaseLost({}, done), 3_000));
    objects.fate = () => 'works';
    store.down = false;
    await process([block(4, 'four')]);
    await clock.advance(600_000);
    assert.deepEqual(store.marksHeld, [], how);
    assert.deepEqual(
      archived(objects).map((footer) => footer.stream),
      ['one'],
    );
    assert.ok(!checkpoints.includes('2'), how);
  }
});

test('a block that our code throws at stops nothing: it is archived, and its object left to the filler', async () => {
  const { start, process, clock, objects, store, checkpoints, failures } = setUp();
  await start();
  const run = { bytes: Buffer.from('throw\n'), from: 0, capturedMs: 1, multiline: false };
  const { header, payload } = blockOf([run]);
  assert.ok(await process([block(1), delivered(2, encodeBlock(header, payload)), block(3)]));
  await clock.advance(31_000);
  await process([]);
  assert.deepEqual(checkpoints, ['3']);
  assert.deepEqual(failures, []);
  assert.equal(archived(objects)[0]?.blocks.length, 3);
  assert.equal(store.marksHeld.length, 0);
});

test('a record that reading throws at is refused with what was thrown', () => {
  const takesStream = () => {
    throw new TypeError('a fault of ours');
  };
  const read = readIncoming({
    foreign: Value.Create(ConsumerConfigSchema.properties.foreign),
    stream: 'kinesis',
    shard: 's',
    takesStream,
  });
  const { data } = block(1);
  const arrival = { sequence: '1', subSequence: 0, partitionKey: 'k', arrivalMs: 0 };
  assert.deepEqual(read({ ...arrival, data: Buffer.from(data, 'base64') }), {
    reason: 'failed',
    code: 'TypeError',
    message: 'a fault of ours',
  });
});
