import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, Coverage, without } from './coverage.ts';
import { EventCounts } from './event-counts.ts';

const space = 60;
const interval = fc
  .tuple(fc.nat(space), fc.nat(12))
  .map(([from, length]) => ({ from, to: Math.min(space, from + length) }));

function byteSet(intervals: readonly { from: number; to: number }[]): boolean[] {
  const bytes = new Array<boolean>(space).fill(false);
  for (const { from, to } of intervals) bytes.fill(true, from, to);
  return bytes;
}

test('coverage is the set of bytes that were added, in whatever order, and says what was new', () => {
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 40 }), interval, (added, asked) => {
      const coverage = new Coverage();
      const model = new Array<boolean>(space).fill(false);
      for (const { from, to } of added) {
        const fresh = coverage.add(from, to, 1, 2);
        assert.deepEqual(
          byteSet(fresh),
          model.map((known, i) => !known && i >= from && i < to),
        );
        model.fill(true, from, to);
        assert.deepEqual(byteSet(coverage.intervals), model);
        assert.equal(coverage.bytes, model.filter(Boolean).length);
      }
      for (const [i, item] of coverage.intervals.entries())
        assert.ok(
          item.from < item.to && item.to < (coverage.intervals[i + 1]?.from ?? Number.POSITIVE_INFINITY),
        );
      const missing = coverage.missing(asked.from, asked.to);
      assert.deepEqual(
        byteSet(missing),
        model.map((known, i) => !known && i >= asked.from && i < asked.to),
      );
      assert.equal(bytesOf(missing), byteSet(missing).filter(Boolean).length);
      assert.deepEqual(byteSet(without([asked], added)), byteSet(missing));
    }),
    { numRuns: 2_000 },
  );
});

test('ends of a covered interval keep the times of the objects that hold them', () => {
  const coverage = new Coverage();
  coverage.add(10, 20, 100, 110);
  coverage.add(20, 30, 200, 210);
  coverage.add(0, 10, 50, 60);
  assert.deepEqual(coverage.intervals, [{ from: 0, to: 30, leftMs: 60, rightMs: 200 }]);
});

/** Records of `length` bytes each; objects hold stretches of whole blocks of records. */
test('events are counted once, however objects repeat each other', () => {
  const record = 3;
  const block = fc.nat(30);
  fc.assert(
    fc.property(fc.array(fc.tuple(block, fc.integer({ min: 1, max: 6 })), { maxLength: 40 }), (objects) => {
      const counts = new EventCounts();
      const model = new Set<number>();
      for (const [first, length] of objects) {
        counts.add(first * record, (first + length) * record, length, 1);
        for (let i = first; i < first + length; i++) model.add(i);
      }
      assert.ok(counts.events <= model.size, `${counts.events} of ${model.size}`);
      assert.ok(counts.eventsMax >= model.size, `${counts.eventsMax} of ${model.size}`);
      for (const [i, item] of counts.stretches.entries())
        assert.ok(item.to <= (counts.stretches[i + 1]?.from ?? Number.POSITIVE_INFINITY));
    }),
    { numRuns: 2_000 },
  );
});

test('an object that repeats another and goes on counts what it adds', () => {
  const counts = new EventCounts();
  for (let i = 0; i < 100; i++) counts.add(i * 100, i * 100 + 100, 10, i);
  counts.add(9_800, 9_900, 10, 7);
  counts.add(9_900, 10_050, 15, 7);
  assert.deepEqual([counts.events, counts.eventsMax], [1_005, 1_005]);
  assert.ok(counts.stretches.length < 30);
});
