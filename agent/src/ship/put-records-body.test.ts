import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BufferPool } from './buffer-pool.ts';
import { bodyBytesMax, writeBody } from './put-records-body.ts';

const records = fc.array(
  fc.record({
    data: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      // Around the stretches in which base64 is written.
      fc
        .integer({ min: 24_570, max: 24_580 })
        .chain((size) => fc.uint8Array({ minLength: 3, maxLength: 9 }).map((seed) => repeated(seed, size))),
    ),
    partitionKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 256 }),
  }),
  { maxLength: 5 },
);

test('a body is the JSON that the API reads, within the bytes that were set aside for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 128 }), records, (stream, items) => {
      const buffer = Buffer.alloc(bodyBytesMax(stream, items));
      const body = JSON.parse(writeBody(buffer, stream, items).toString());
      const expected = items.map(({ data, partitionKey }) => ({
        PartitionKey: partitionKey.toWellFormed(),
        Data: Buffer.from(data).toString('base64'),
      }));
      assert.deepEqual(body, { StreamName: stream.toWellFormed(), Records: expected });
    }),
  );
});

test('a pool hands out what it got back, and something larger where that is too small', () => {
  const pool = new BufferPool();
  const first = pool.take(1000);
  assert.notEqual(pool.take(1000), first, 'one that is out is not handed out again');
  pool.give(first);
  assert.equal(pool.take(first.length), first);
  pool.give(first);
  const larger = pool.take(first.length + 1);
  assert.ok(larger.length > first.length);
  pool.give(larger);
  assert.equal(pool.take(1), larger, 'the smaller one made room for it');
});

function repeated(seed: Uint8Array, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => seed[i % seed.length] ?? 0);
}
