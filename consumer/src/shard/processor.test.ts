import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { decodeBatchBytes, decodeBatchIndex } from '../set-aside/batch-file.ts';
import { hold } from '../testing/fake-store.ts';
import { archived, block, delivered, setUp } from '../testing/shard-bench.ts';

test('a quiet shard is archived, indexed, marked, and checkpointed with the next empty call', async () => {
  const { start, process, clock, store, objects, checkpoints } = setUp();
  await start();
  assert.ok(await process([block(1), block(2)]));
  assert.deepEqual(checkpoints, []);
  await clock.advance(31_000);
  assert.equal(objects.objects.size, 1);
  assert.equal(store.held.size, 2);
  assert.ok(await process([]));
  assert.deepEqual(checkpoints, ['2']);
  const [mark] = store.marksHeld;
  assert.deepEqual(mark && { ...mark, object: '' }, {
    object: '',
    stream: 'logs',
    events: 2,
    indexed: 2,
    exceptions: [],
  });
  assert.equal(mark?.object, [...objects.objects.keys()][0]);
  assert.deepEqual(archived(objects)[0]?.days, [{ date: '2026.02.03', events: 2 }]);
});

test('a throttled checkpoint is sent again with the next call', async () => {
  const { start, process, clock, checkpoints, refusals } = setUp();
  await start();
  await process([block(1)]);
  await clock.advance(31_000);
  refusals.push('ThrottlingException');
  assert.ok(await process([]));
  assert.deepEqual(checkpoints, []);
  await process([]);
  assert.deepEqual(checkpoints, ['1']);
});

test('a lease that is gone ends all writing', async () => {
  const { start, process, clock, objects, refusals, failures } = setUp();
  await start();
  await process([block(1, 'one')]);
  await clock.advance(31_000);
  refusals.push('ShutdownException');
  await process([block(2, 'two')]);
  await process([block(3, 'three')]);
  await clock.advance(600_000);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    archived(objects).map((footer) => footer.stream),
    ['one'],
  );
});

test('leaseLost drops open objects and checkpoints nothing', async () => {
  const { start, process, clock, objects, processor, call, checkpoints, store } = setUp();
  await start();
  await process([block(1)]);
  assert.ok(await call((done) => processor.leaseLost({}, done)));
  await clock.advance(600_000);
  assert.equal(objects.objects.size, 0);
  assert.deepEqual(checkpoints, []);
  assert.equal(store.marksHeld.length, 0);
});

test('shutdownRequested closes objects, checkpoints, and waits for the marks', async () => {
  const { start, process, objects, processor, call, checkpoints, checkpointer, store } = setUp();
  await start();
  await process([block(1), block(2)]);
  assert.ok(await call((done) => processor.shutdownRequested({ checkpointer }, done)));
  assert.equal(objects.objects.size, 1);
  assert.deepEqual(checkpoints, ['2']);
  assert.equal(store.marksHeld.length, 1);
});

test('shutdownRequested is answered in bounded time while S3 is down', async () => {
  const { start, process, objects, processor, call, checkpoints, checkpointer } = setUp();
  await start();
  await process([block(1)]);
  objects.fate = () => 'fails';
  assert.ok(await call((done) => processor.shutdownRequested({ checkpointer }, done), 12_500));
  assert.deepEqual(checkpoints, []);
});

test('shardEnded is answered only after the checkpoint of the end, retried inside', async () => {
  const { start, process, processor, call, checkpoints, checkpointer, refusals, objects } = setUp();
  await start();
  await process([block(1)]);
  refusals.push('ThrottlingException', 'KinesisClientLibDependencyException');
  assert.ok(await call((done) => processor.shardEnded({ checkpointer }, done), 20_000));
  assert.deepEqual(checkpoints, ['end']);
  assert.equal(objects.objects.size, 1);
});

test('shardEnded without a checkpoint ends the process instead of answering', async () => {
  const { start, process, processor, call, checkpointer, refusals, failures } = setUp();
  await start();
  await process([block(1)]);
  refusals.push(...Array(20).fill('InvalidStateException'));
  assert.equal(await call((done) => processor.shardEnded({ checkpointer }, done), 120_000), false);
  assert.equal(failures.length, 1);
});

test('shardEnded waits for S3 as long as it takes', async () => {
  const { start, process, processor, call, checkpointer, checkpoints, objects, clock } = setUp();
  await start();
  await process([block(1)]);
  objects.fate = () => 'fails';
  assert.equal(await call((done) => processor.shardEnded({ checkpointer }, done), 600_000), false);
  objects.fate = () => 'works';
  await clock.advance(20_000);
  assert.deepEqual(checkpoints, ['end']);
});

test('what is no usable block is set aside with its bytes and reason, and the shard goes on', async () => {
  const { start, process, clock, objects, checkpoints } = setUp({ streams: ['logs', 'app_*'] });
  await start();
  const good = block(3);
  const corrupt = Buffer.from(good.data, 'base64');
  corrupt[30] = (corrupt[30] ?? 0) ^ 0xff;
  const newer = Buffer.from(good.data, 'base64');
  newer[11] = 9;
  const bad: [Buffer, string][] = [
    [Buffer.from('no text\0'), 'foreign'],
    [corrupt, 'corrupt'],
    [newer, 'unsupported'],
    [Buffer.from(block(9, 'secret').data, 'base64'), 'stream'],
  ];
  const records = bad.map(([data], i) => delivered(10 + i, data));
  assert.ok(await process([...records, block(20, 'app_1')]));
  await clock.advance(31_000);
  await process([]);
  assert.deepEqual(checkpoints.at(-1), '20');
  const keys = [...objects.objects.keys()].filter((name) => name.startsWith('p/set-aside/'));
  assert.equal(keys.length, 1, 'one object for all of them');
  const [key = ''] = keys;
  assert.match(key, /^p\/set-aside\/kinesis\/2026\/02\/03\/04\/shardId-000000000000\/10-[0-9a-f]{8}\.zst$/);
  const object = objects.objects.get(key)?.bytes ?? Buffer.alloc(0);
  const index = decodeBatchIndex(object, key);
  const bytes = decodeBatchBytes(object, key);
  assert.deepEqual(
    index.map((item) => [item.reason, item.sequence_number, item.shard]),
    bad.map(([, reason], i) => [reason, String(10 + i), 'shardId-000000000000']),
  );
  for (const [i, [data]] of bad.entries()) {
    const { offset, bytes: length } = index[i] ?? { offset: 0, bytes: 0 };
    assert.deepEqual(bytes.subarray(offset, offset + length), data);
  }
  assert.deepEqual(
    archived(objects).map((footer) => footer.stream),
    ['app_1'],
  );
});

test('a record is not covered by a checkpoint before it is set aside, and the shard does not wait for it', async () => {
  const { start, process, clock, objects, checkpoints } = setUp();
  await start();
  objects.fate = () => 'fails';
  assert.ok(await process([delivered(1, Buffer.from('foreign\0'))]));
  await clock.advance(60_000);
  assert.ok(await process([]));
  assert.deepEqual(checkpoints, []);
  objects.fate = () => 'works';
  await clock.advance(15_000);
  await process([]);
  assert.deepEqual(checkpoints, ['1']);
});

test('a flood of records without use costs few requests, bounded memory, and one alarm', async () => {
  const { start, process, clock, objects, checkpoints, emitted } = setUp();
  await start();
  const flood = Array.from({ length: 25_000 }, (_, i) => delivered(1 + i, Buffer.from(`garbage ${i}\0`)));
  assert.ok(await process(flood, 30_000));
  assert.ok(await process([]));
  assert.equal(objects.calls.filter((call) => call === 'put').length, objects.objects.size);
  assert.ok(objects.objects.size <= 4, `${objects.objects.size} objects`);
  assert.deepEqual(checkpoints, ['25000']);
  await clock.advance(200_000);
  const alarms = () => emitted.filter((name) => name.startsWith('set_aside') && name !== 'set_aside_stored');
  assert.deepEqual(alarms(), ['set_aside', 'set_aside_more', 'set_aside_over']);
  await process([delivered(30_000, Buffer.from('again\0'))]);
  assert.deepEqual(alarms().at(-1), 'set_aside');
});

test('records set aside while S3 is down stop reading when too many wait, and are stored at the end', async () => {
  const { start, process, processor, call, checkpointer, clock, objects, checkpoints } = setUp();
  await start();
  objects.fate = () => 'fails';
  const large = Array.from({ length: 40 }, (_, i) => delivered(1 + i, Buffer.alloc(700_000, i)));
  assert.equal(await process(large, 30_000), false, 'three batches under way, reading waits');
  objects.fate = () => 'works';
  await clock.advance(60_000);
  assert.ok(await call((done) => processor.shutdownRequested({ checkpointer }, done)));
  assert.deepEqual(checkpoints.at(-1), '40');
});

test('while the store is down archiving and checkpoints go on; objects given up get no mark; then indexing goes on', async () => {
  const { start, process, clock, objects, store, checkpoints } = setUp({
    give_up_ms: 60_000,
    queue_bytes_max: 65_536,
  });
  await start();
  store.down = true;
  let sequence = 0;
  const lines = () => Array.from({ length: 300 }, () => block(++sequence));
  assert.equal(await process(lines(), 30_000), false, 'the queue is full, the call waits');
  await clock.advance(40_000);
  assert.ok(await process(lines()), 'given up');
  await clock.advance(400_000);
  await process([]);
  assert.equal(checkpoints.at(-1), '600');
  assert.equal(store.marksHeld.length, 0);
  store.down = false;
  await clock.advance(30_000);
  const before = objects.objects.size;
  assert.ok(await process(lines()));
  await clock.advance(31_000);
  await process([]);
  assert.equal(checkpoints.at(-1), '900');
  assert.equal(objects.objects.size, before + 1);
  assert.equal(store.marksHeld.length, 1);
  assert.equal(store.marksHeld[0]?.events, 300);
});

test('an object that is complete before all its documents were taken is marked after the last of them', async () => {
  const { start, process, clock, store, objects, failures } = setUp({ queue_bytes_max: 65_536 });
  await start();
  await process([block(1)]);
  store.down = true;
  const records = Array.from({ length: 300 }, (_, i) => block(2 + i));
  assert.equal(await process(records, 60_000), false, 'the queue is full');
  assert.equal(objects.objects.size, 1, 'closed while the call waits');
  assert.equal(store.marksHeld.length, 0);
  store.down = false;
  await clock.advance(60_000);
  assert.deepEqual(failures, []);
  assert.equal(
    store.marksHeld.reduce((sum, mark) => sum + mark.events, 0),
    301,
  );
});

test('nothing is indexed before the templates are installed', async () => {
  const { start, process, clock, store } = setUp();
  store.down = true;
  await start();
  await process([block(1)]);
  store.down = false;
  await clock.advance(60_000);
  assert.deepEqual(store.calls.slice(0, 2), ['install', 'bulk']);
  assert.equal(store.held.size, 1);
});

test('an object with a block of an unknown rule is archived but not marked', async () => {
  const { start, process, clock, store, objects } = setUp();
  await start();
  const { header, payload } = blockOf(
    [{ bytes: Buffer.from('x\n'), from: 0, capturedMs: 1, multiline: false }],
    '{"parse":{"type":"later"},"v":9}',
  );
  await process([block(1), delivered(2, encodeBlock(header, payload))]);
  await clock.advance(40_000);
  const [footer] = archived(objects);
  assert.equal(footer?.blocks.length, 2);
  assert.equal(footer?.days, undefined);
  assert.equal(store.marksHeld.length, 0);
});

test('a store that answers but takes nothing does not hold up archiving more than once', async () => {
  const { start, process, clock, store, checkpoints } = setUp({
    give_up_ms: 60_000,
    queue_bytes_max: 65_536,
  });
  await start();
  let full = true;
  store.answer = async (documents) =>
    full ? documents.map(() => ({ kind: 'retry', status: 403, reason: 'full' })) : hold(store, documents);
  let sequence = 0;
  const lines = () => Array.from({ length: 300 }, () => block(++sequence));
  assert.equal(await process(lines(), 30_000), false, 'the queue is full, the call waits');
  await clock.advance(40_000);
  for (let i = 0; i < 3; i++) assert.ok(await process(lines(), 30_000), 'given up, and still so');
  await clock.advance(31_000);
  await process([]);
  assert.equal(checkpoints.at(-1), '1200');
  assert.equal(store.marksHeld.length, 0);
  full = false;
  await clock.advance(30_000);
  await process(lines());
  await clock.advance(31_000);
  assert.equal(store.marksHeld.length, 1);
  assert.equal(store.marksHeld[0]?.events, 300);
});

test('a block of very many events is indexed whole, some thousands at a time, and its object marked after', async () => {
  const { start, process, clock, objects, store } = setUp({ queue_bytes_max: 65_536 });
  await start();
  const { header, payload } = blockOf([
    { bytes: Buffer.alloc(25_000, '\n'), from: 0, capturedMs: Date.UTC(2026, 1, 3, 4), multiline: false },
  ]);
  store.down = true;
  assert.equal(await process([delivered(1, encodeBlock(header, payload))], 40_000), false);
  assert.equal(objects.objects.size, 1, 'closed while the call waits');
  assert.deepEqual(archived(objects)[0]?.days, [{ date: '2026.02.03', events: 25_000 }]);
  store.down = false;
  await clock.advance(60_000);
  assert.equal(store.held.size, 25_000);
  assert.deepEqual(
    store.marksHeld.map((mark) => mark.events),
    [25_000],
  );
});

test('a shard that ended is not checkpointed at its end when something of it was dropped', async () => {
  const { start, process, processor, call, checkpointer, checkpoints, refusals, failures, clock } = setUp();
  await start();
  await process([block(1, 'one')]);
  await clock.advance(31_000);
  refusals.push('ShutdownException');
  await process([block(2, 'two')]);
  assert.equal(await call((done) => processor.shardEnded({ checkpointer }, done)), false);
  assert.deepEqual(checkpoints, []);
  assert.equal(failures.length, 1);
});

test('a block with control entries and nothing else is archived verbatim, indexes nothing, and stops nothing', async () => {
  const { start, process, clock, store, objects, checkpoints, failures } = setUp();
  await start();
  const { header } = blockOf([]);
  const said = { kind: 'heartbeat' as const, atMs: 1_762_000_000_000, intervalMs: 60_000 };
  const heartbeat = encodeBlock({ ...header, rules: [], control: [said] }, Buffer.alloc(0));
  assert.ok(await process([{ ...block(1), data: heartbeat.toString('base64') }, block(2)]));
  await clock.advance(31_000);
  assert.deepEqual(failures, []);
  assert.equal(store.held.size, 1);
  assert.ok(await process([]));
  assert.deepEqual(checkpoints, ['2']);
  const [object] = objects.objects.values();
  assert.ok(object?.bytes.includes(heartbeat), 'the bytes are in the archive');
  assert.equal(archived(objects)[0]?.blocks.length, 2);
  // Alone in its object too.
  assert.ok(await process([{ ...block(3), data: heartbeat.toString('base64') }]));
  await clock.advance(301_000);
  assert.ok(await process([]));
  assert.deepEqual(checkpoints, ['2', '3']);
  assert.deepEqual(
    store.marksHeld.map(({ events }) => events),
    [1, 0],
  );
  assert.deepEqual(failures, []);
});
