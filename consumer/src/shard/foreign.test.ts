import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { archived, block, delivered, setUp } from '../testing/shard-bench.ts';

const held = (store: ReturnType<typeof setUp>['store']) =>
  [...store.held.values()].map((document) => document.source as { message: string; tag: string });

test('foreign records are archived as blocks, indexed and marked; questions are taken and nothing more', async () => {
  const { start, process, clock, store, objects, checkpoints } = setUp();
  await start();
  const control = {
    messageType: 'CONTROL_MESSAGE',
    owner: 'CloudwatchLogs',
    logGroup: '',
    logStream: '',
    logEvents: [],
  };
  assert.ok(
    await process([
      delivered(1, Buffer.from('{"msg":"one"}')),
      block(2),
      delivered(3, gzipSync('three\nfour\n')),
      { ...delivered(4, Buffer.from('five')), subSequenceNumber: 0 },
      { ...delivered(4, Buffer.from('five')), subSequenceNumber: 1 },
      delivered(5, gzipSync(JSON.stringify(control))),
    ]),
  );
  await clock.advance(31_000);
  await process([]);
  assert.deepEqual(checkpoints, ['5']);
  assert.deepEqual(
    held(store)
      .map(({ message }) => message)
      .sort(),
    ['five', 'five', 'four', 'line 2', 'one', 'three'],
  );
  assert.ok(held(store).every(({ message, tag }) => message === 'line 2' || tag === 'foreign.kinesis'));
  assert.equal(archived(objects)[0]?.blocks.length, 5);
  assert.deepEqual(
    store.marksHeld.map(({ events, indexed }) => [events, indexed]),
    [[6, 6]],
  );
});

test('a foreign record that is delivered again is the same block and the same events', async () => {
  const { start, process, clock, store, objects } = setUp();
  await start();
  const record = delivered(7, gzipSync('a\nb\n'));
  await process([record, record]);
  await clock.advance(31_000);
  // After a crash another object begins.
  await process([record]);
  await clock.advance(31_000);
  const footers = archived(objects);
  assert.deepEqual(
    footers.map((footer) => footer.blocks.length),
    [1, 1],
  );
  assert.equal(footers[0]?.blocks[0]?.id, footers[1]?.blocks[0]?.id);
  assert.equal(store.held.size, 2);
});

test('no checkpoint covers a foreign record of many blocks before all of them are in the archive', async () => {
  const { start, process, clock, objects, checkpoints } = setUp();
  await start();
  objects.fate = () => 'fails';
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i} ${'x'.repeat(80)}\n`).join('');
  assert.ok(await process([delivered(1, gzipSync(lines)), delivered(2, Buffer.from('after'))], 20_000));
  await clock.advance(31_000);
  await process([]);
  assert.deepEqual(checkpoints, []);
  objects.fate = () => 'works';
  await clock.advance(60_000);
  await process([]);
  assert.deepEqual(checkpoints, ['2']);
  assert.equal(
    archived(objects).length,
    1,
    'an object of some of them could be checkpointed without the others',
  );
  const blocks = archived(objects).flatMap((footer) => footer.blocks.map(({ sequence }) => sequence));
  assert.deepEqual(blocks, ['1', '1', '1', '1', '2']);
});

test('an object that is full in the middle of a record is closed, counted and marked with all of it', async () => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i} ${'x'.repeat(80)}\n`).join('');
  // The second time its blocks wait for the store, one after another, while the object is completed.
  for (const queue_bytes_max of [33_554_432, 65_536]) {
    const { start, process, clock, store, objects, failures } = setUp({
      object_bytes_max: 1_024,
      queue_bytes_max,
    });
    await start();
    store.down = queue_bytes_max === 65_536;
    await process([delivered(1, gzipSync(lines))]);
    assert.equal(archived(objects).length, 1);
    store.down = false;
    await clock.advance(60_000);
    assert.deepEqual(failures, []);
    const [footer] = archived(objects);
    assert.equal(footer?.blocks.length, 4);
    assert.deepEqual(footer?.days, [{ date: '2026.02.03', events: 40_000 }]);
    assert.equal(store.held.size, 40_000);
    assert.deepEqual(
      store.marksHeld.map(({ events, indexed }) => [events, indexed]),
      [[40_000, 40_000]],
    );
  }
});
