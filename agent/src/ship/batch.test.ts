import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import fc from 'fast-check';
import { aggregatedRecords } from './aggregate.ts';
import { batchBodyBytesMax, writeBatchBody } from './batch-body.ts';
import { singleRecords } from './packing.ts';
import { createKeyDraw, keyText } from './partition-keys.ts';
import { RecordBatch } from './record-batch.ts';

const block = () => ({ seq: 1, left: 0, open: true });
const bounds = { records: 500, bytes: 5_000_000 };

/** An event whose text is all that a packing looks at here. */
function event(text: string): PlainEvent {
  return {
    host: '',
    tag: '',
    path: '',
    offset: 0,
    time: { seconds: 0, nanos: 0, digits: 0 },
    text,
    fields: {},
    json: '',
  };
}

const data = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  // Around the size from which Node writes base64, and its stretches.
  fc.integer({ min: 4_090, max: 4_100 }).map((size) => 'x'.repeat(size)),
  fc.integer({ min: 24_570, max: 24_582 }).map((size) => 'é'.repeat(size)),
);
const key = fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 256 }), { nil: undefined });

test('the body of a batch is the JSON that the API reads, within the bytes that were set aside for it', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ data, key }), { maxLength: 6 }), fc.boolean(), (items, keyed) => {
      const batch = new RecordBatch();
      for (const item of items) {
        batch.write(item.data);
        batch.close(item.key, [block()]);
      }
      const head = `{"StreamName":"s","Records":[`;
      const buffer = Buffer.alloc(batchBodyBytesMax(head, batch));
      const body = JSON.parse(
        writeBatchBody(buffer, head, batch, keyed ? () => 0xbeef : undefined).toString(),
      );
      const expected = items.map((item) => ({
        ...(keyed ? { PartitionKey: item.key?.toWellFormed() ?? '0000beef' } : {}),
        Data: Buffer.from(item.data).toString('base64'),
      }));
      assert.deepEqual(body, { StreamName: 's', Records: expected });
      assert.deepEqual(
        batch.records(() => keyText(0xbeef)).map((record) => Buffer.from(record.data).toString('base64')),
        expected.map(({ Data }) => Data),
      );
    }),
  );
});

test('random keys spread evenly over ranges of hashes, however many there are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 64 }), (shards) => {
      const draw = createKeyDraw(systemClock);
      const counts = new Array<number>(shards).fill(0);
      const records = shards * 400;
      for (let i = 0; i < records; i++) {
        const hash = createHash('md5').update(keyText(draw())).digest();
        const shard = Math.floor((hash.readUInt32BE(0) / 2 ** 32) * shards);
        counts[shard] = (counts[shard] ?? 0) + 1;
      }
      // Six standard deviations of a fair draw: once in 10^7 of the shards looked at here.
      assert.ok(Math.max(...counts) < 400 + 6 * 20, `${counts}`);
      assert.ok(Math.min(...counts) > 400 - 6 * 20, `${counts}`);
    }),
    { numRuns: 20 },
  );
});

test('aggregates hold every event once, in order, within their size', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 80 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1024, max: 4096 }), (items, bytesMax) => {
      let drawn = 0;
      const packing = aggregatedRecords(
        ({ text }) => text,
        () => `key ${drawn++}`,
        bytesMax,
        bytesMax,
      );
      const batch = new RecordBatch();
      const open = block();
      for (const text of items) assert.equal(packing.add(batch, event(text), open, bounds), 'added');
      packing.finish(batch);
      assert.equal(open.left, batch.count);
      const got: string[] = [];
      for (const record of batch.records(() => '')) {
        assert.ok(record.data.length <= bytesMax);
        // The KCL drops events of an aggregate whose key belongs to another shard.
        const { key, texts } = deaggregated(Buffer.from(record.data));
        assert.equal(key, record.partitionKey);
        got.push(...texts);
      }
      assert.deepEqual(
        got,
        items.map((text) => text.toWellFormed()),
      );
    }),
  );
});

test('an event that no record can hold is left out alone, and one that has no room is for the next batch', () => {
  const own = {
    single: singleRecords(
      ({ text }) => text,
      () => undefined,
      2_000,
    ),
    packed: aggregatedRecords(
      ({ text }) => text,
      () => 'k',
      1_024,
      2_000,
    ),
  };
  for (const [name, packing] of Object.entries(own)) {
    const batch = new RecordBatch();
    const add = (size: number, bytes = 5_000) =>
      packing.add(batch, event('x'.repeat(size)), block(), { records: 500, bytes });
    assert.equal(add(500), 'added', name);
    assert.equal(typeof add(3_000), 'object', name);
    assert.equal(add(1_500), 'added', 'larger than an aggregate, alone in one');
    packing.finish(batch);
    assert.equal(batch.count, 2);
    assert.equal(add(1_500, 1_600), 'full');
    packing.finish(batch);
    assert.equal(batch.count, 2, 'nothing was left behind');
  }
});

/** The records of an aggregate, by its documented form. */
function deaggregated(bytes: Buffer): { key: string; texts: string[] } {
  assert.equal(bytes.subarray(0, 4).toString('hex'), 'f3899ac2');
  const message = bytes.subarray(4, -16);
  assert.deepEqual(createHash('md5').update(message).digest(), bytes.subarray(-16));
  const texts: string[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  assert.equal(message[at++], 0x0a);
  const keySize = varint();
  const key = message.toString('utf8', at, at + keySize);
  at += keySize;
  while (at < message.length) {
    assert.equal(message[at++], 0x1a);
    const end = varint() + at;
    assert.deepEqual([message[at++], message[at++], message[at++]], [0x08, 0x00, 0x1a]);
    const size = varint();
    texts.push(message.toString('utf8', at, at + size));
    at += size;
    assert.equal(at, end);
  }
  return { key, texts };
}
