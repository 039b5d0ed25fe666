import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fate, fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { parseArchiveKey } from '@millrace/core/archive/key.ts';
import { mayHoldToken } from '@millrace/core/archive/token-filter.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { settle, virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import fc from 'fast-check';
import { Checkpoint } from '../checkpoint.ts';
import { type ArchivedBlock, type ArchiveObject, ArchiveWriter } from './writer.ts';

const MiB = 1024 * 1024;
const MB = 1_000_000;

function setUp(overrides: Partial<ConstructorParameters<typeof ArchiveWriter>[0]['config']> = {}) {
  const clock = virtualClock();
  const store = fakeObjectStore();
  const completed: ArchiveObject[] = [];
  const lost: ArchiveObject[] = [];
  const writer = new ArchiveWriter({
    config: {
      bucket: 'b',
      region: 'r',
      prefix: '',
      object_bytes_max: 64 * MiB,
      object_age_ms_max: 300_000,
      idle_ms_max: 30_000,
      part_bytes: 5 * MiB,
      buffer_bytes_max: 48 * MiB,
      open_objects_max: 4,
      request_timeout_ms: 30_000,
      tags: {},
      layout: 'blocks',
      token_filter: false,
      keep_interval_ms: 60_000,
      retry: { base_ms: 100, max_ms: 1_000 },
      ...overrides,
    },
    shard: 'shardId-000000000000',
    store,
    clock,
    emit: () => {},
    onCompleted: (object) => completed.push(object),
    onLost: (object) => lost.push(object),
  });
  return { clock, store, completed, lost, writer };
}

function sampleBlock(sequence: number, stream = 'logs', size = 20): ArchivedBlock {
  const text = Buffer.from(`${String(sequence).padStart(size - 1, '.')}\n`);
  const { header, payload } = blockOf([
    { bytes: text, from: sequence * size, capturedMs: 1, multiline: false },
  ]);
  header.stream = stream;
  const bytes = encodeBlock(header, payload);
  return { bytes, id: blockId(bytes), header, sequence: String(sequence), arrivalMs: 1_770_000_000_000 };
}

/** A block as far as the writer looks: size, id and header are what it takes. */
function bulkBlock(sequence: number, size: number, stream = 'logs'): ArchivedBlock {
  return { ...sampleBlock(sequence, stream), bytes: Buffer.alloc(size, sequence) };
}

/** A block in which an agent says that it is there. */
function controlBlock(sequence: number, stream = 'logs'): ArchivedBlock {
  const { header } = sampleBlock(sequence, stream);
  const control = [{ kind: 'heartbeat' as const, atMs: sequence, intervalMs: 60_000 }];
  const bytes = encodeBlock({ ...header, rules: [], sources: [], runs: [], control }, Buffer.alloc(0));
  return { ...sampleBlock(sequence, stream), bytes, id: blockId(bytes), header: { ...header, runs: [] } };
}

function footerOf(bytes: Buffer): Footer {
  const length = footerFrameLength(bytes);
  return decodeFooter(bytes.subarray(-length), bytes.length - length);
}

test('a small object is created by one request, blocks verbatim and a footer', async () => {
  const { writer, store, completed } = setUp();
  const blocks = [1, 2, 3].map((i) => sampleBlock(i));
  for (const block of blocks) writer.append(block);
  await writer.finish();
  assert.deepEqual(store.calls, ['put']);
  const [[key = '', object] = []] = store.objects;
  assert.ok(object);
  assert.equal(parseArchiveKey(key)?.firstSequence, '1');
  const footer = footerOf(object.bytes);
  assert.deepEqual(
    footer.blocks.map((block) => object.bytes.subarray(block.offset, block.offset + block.length)),
    blocks.map((block) => block.bytes),
  );
  assert.deepEqual(
    footer.blocks.map((block) => block.sequence),
    ['1', '2', '3'],
  );
  assert.equal(completed[0]?.key, key);
});

test('a large object goes to S3 in parts while it grows', async () => {
  const { writer, store, completed } = setUp({ object_bytes_max: 16 * MB });
  for (let i = 0; i < 17; i++) {
    const { object } = writer.append(bulkBlock(i, MB));
    await writer.room();
    await settle();
    assert.ok(writer.buffered <= 6 * MiB, `${writer.buffered} bytes held`);
    writer.sealFull(object);
  }
  await writer.finish();
  assert.deepEqual(
    store.calls.filter((call) => call !== 'put'),
    ['create', ...Array(3).fill('part'), 'complete'],
  );
  assert.equal(completed.length, 2, 'the 17th block is in an object of its own');
  assert.deepEqual(
    [...store.objects.values()].map((object) => footerOf(object.bytes).blocks.length),
    [16, 1],
  );
});

test('objects are closed when the shard goes quiet, when they are old, and when their stream is one too many', async () => {
  const { writer, store, clock } = setUp();
  writer.append(sampleBlock(1));
  await clock.advance(29_999);
  writer.tick();
  assert.equal(store.calls.length, 0);
  await clock.advance(1);
  writer.tick();
  await settle();
  assert.equal(store.objects.size, 1);

  for (let i = 0; i < 12; i++) {
    writer.append(sampleBlock(10 + i));
    await clock.advance(25_000);
    writer.tick();
  }
  await settle();
  assert.equal(store.objects.size, 2, 'five minutes old');

  for (const [i, stream] of ['a', 'b', 'c', 'd', 'e'].entries()) writer.append(sampleBlock(100 + i, stream));
  await settle();
  assert.equal(store.objects.size, 3, 'four may be open');
});

test('a block that is sent twice lies in an object once', async () => {
  const { writer, store } = setUp();
  const block = sampleBlock(1);
  assert.equal(writer.append(block).repeated, false);
  assert.equal(writer.append({ ...block, sequence: '2' }).repeated, true);
  await writer.finish();
  const [object] = store.objects.values();
  assert.equal(object && footerOf(object.bytes).blocks.length, 1);
});

test('while S3 is down nothing completes, memory stays bounded, and then everything is there', async () => {
  const { writer, store, clock, completed } = setUp({ buffer_bytes_max: 8 * MB });
  store.fate = () => 'fails';
  let accepted = 0;
  const feeding = (async () => {
    for (let i = 0; i < 20; i++) {
      await writer.room();
      writer.append(bulkBlock(i, MB));
      accepted++;
    }
  })();
  await clock.advance(3_600_000);
  assert.equal(accepted, 8);
  assert.ok(writer.buffered < 10 * MiB);
  assert.equal(completed.length, 0);
  store.fate = () => 'works';
  await clock.advance(10_000);
  await feeding;
  await writer.finish();
  const blocks = [...store.objects.values()].flatMap((object) => footerOf(object.bytes).blocks);
  assert.deepEqual(
    blocks.map((block) => Number(block.sequence)),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('an upload that S3 forgot is reported, not completed', async () => {
  const { writer, store, lost, completed } = setUp();
  for (let i = 0; i < 6; i++) writer.append(bulkBlock(i, MB));
  await settle();
  assert.equal(store.uploads.size, 1);
  store.uploads.clear();
  await writer.finish();
  assert.equal(lost.length, 1);
  assert.equal(completed.length, 0);
});

test('abandoning stops every request and frees the parts', async () => {
  const { writer, store, clock, completed } = setUp();
  for (let i = 0; i < 6; i++) writer.append(bulkBlock(i, MB));
  await settle();
  store.fate = (call) => (call === 'abort' ? 'works' : 'fails');
  const finished = writer.finish();
  await clock.advance(5_000);
  await writer.abandon();
  await finished;
  await clock.advance(60_000);
  assert.equal(store.uploads.size, 0);
  assert.equal(store.objects.size, 0);
  assert.equal(completed.length, 0);
  assert.equal(writer.buffered, 0);
  const calls = store.calls.length;
  await clock.advance(60_000);
  assert.equal(store.calls.length, calls);
});

const fates = fc.array(fc.constantFrom<Fate>('works', 'fails', 'answer lost'), { maxLength: 60 });
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ stream: fc.constantFrom('a', 'b', 'c'), big: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ waitMs: fc.constantFrom(50, 1_000, 31_000) }) },
  ),
  { maxLength: 60 },
);

test('whatever S3 does, what the checkpoint covers lies in complete objects', async () => {
  await fc.assert(
    fc.asyncProperty(fates, steps, async (list, plan) => {
      let next = 0;
      const { writer, store, clock, completed, lost } = setUp({
        object_bytes_max: 4 * MB,
        buffer_bytes_max: 16 * MiB,
        part_bytes: 1_500_000,
      });
      store.fate = () => list[next++] ?? 'works';
      const checkpoint = new Checkpoint();
      const check = () => {
        while (completed.length > 0) checkpoint.durable(completed.pop() ?? {});
        const covered = Number(checkpoint.due() ?? -1);
        const there = new Set(
          [...store.objects.values()].flatMap((it) => footerOf(it.bytes).blocks.map((b) => b.sequence)),
        );
        for (let i = 0; i <= covered; i++) assert.ok(there.has(String(i)), `${i} of ${covered}`);
        return covered;
      };
      let count = 0;
      for (const step of plan) {
        if ('waitMs' in step) {
          await clock.advance(step.waitMs);
          writer.tick();
        } else {
          const { object } = writer.append(bulkBlock(count, step.big ? MB : 1_000, step.stream));
          checkpoint.delivered(String(count++), object, 0);
          writer.sealFull(object);
        }
        check();
      }
      const finished = writer.finish();
      await clock.advance(120_000);
      await finished;
      assert.equal(check(), count - 1);
      assert.equal(lost.length, 0);
    }),
    { numRuns: 60 },
  );
});

test('control blocks alone make an object per age, not one each', async () => {
  const { writer, clock, completed } = setUp();
  for (let minute = 0; minute < 20; minute++) {
    writer.append(controlBlock(minute));
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000);
      writer.tick();
    }
  }
  await settle();
  assert.deepEqual(
    completed.map((object) => object.footer.blocks),
    [5, 5, 5, 5],
  );
});

test('an object of control blocks is in the way of no checkpoint of other data', async () => {
  const { writer, clock, completed } = setUp();
  writer.append(controlBlock(1, 'quiet'));
  writer.append(sampleBlock(2, 'busy'));
  await clock.advance(31_000);
  writer.tick();
  await settle();
  assert.deepEqual(
    completed.map((object) => object.stream).sort(),
    ['busy', 'quiet'],
    'the shard went quiet',
  );
  writer.append(controlBlock(3, 'quiet'));
  const { object } = writer.append(bulkBlock(4, 64 * MiB, 'busy'));
  writer.sealFull(object);
  await settle();
  assert.deepEqual(
    completed
      .slice(2)
      .map(({ stream }) => stream)
      .sort(),
    ['busy', 'quiet'],
    'one was full',
  );
});

test('a control block does not keep the objects of a quiet shard open', async () => {
  const { writer, clock, completed } = setUp();
  writer.append(sampleBlock(1));
  await clock.advance(29_000);
  writer.append(controlBlock(2));
  await clock.advance(2_000);
  writer.tick();
  await settle();
  assert.equal(completed.length, 1);
  assert.equal(completed[0]?.footer.blocks, 2);
});

test('with a filter of tokens the footer knows which words the records have', async () => {
  const { writer, store } = setUp({ token_filter: true });
  const lines = Array.from(
    { length: 4_000 },
    (_, i) => `request ${i % 50} of shop-${i % 7} ${Math.sin(i)}\n`,
  );
  const payload = Buffer.from(lines.join(''));
  writer.append({ ...bulkBlock(1, 400_000), payload });
  await writer.finish();
  const [object] = store.objects.values();
  const { tokens } = footerOf(object?.bytes ?? Buffer.alloc(0));
  assert.ok(tokens && tokens.length < 400_000 * 0.025);
  assert.ok(mayHoldToken(tokens, 'request') && mayHoldToken(tokens, '49') && mayHoldToken(tokens, 'shop'));
  const wrong = Array.from({ length: 1_000 }, (_, i) => `absent${i}`).filter((token) =>
    mayHoldToken(tokens, token),
  );
  assert.ok(wrong.length < 250, `${wrong.length} of 1000`);

  const plain = setUp();
  plain.writer.append({ ...bulkBlock(1, 400_000), payload });
  await plain.writer.finish();
  const [other] = plain.store.objects.values();
  assert.equal(footerOf(other?.bytes ?? Buffer.alloc(0)).tokens, undefined);
});
