import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareHits, hitOrder } from '@millrace/core/store/hit-order.ts';
import fc from 'fast-check';
import type { FoundHit } from './block-scanner.ts';
import { HitHeap } from './hit-heap.ts';

function hit(second: number): FoundHit {
  const time = new Date(second * 1000).toISOString();
  return { ...hitOrder([time, '/a', 'g', second, 0]), id: String(second), index: 'i', text: '{}' };
}

const lists = fc.array(fc.array(fc.nat(1_000), { maxLength: 8 }), { maxLength: 12 });

test('lists in order come out as one in order; of more than there is room for the first, and the first that is lost is known', () => {
  fc.assert(
    fc.property(
      lists,
      fc.constantFrom('asc' as const, 'desc' as const),
      fc.integer({ min: 1, max: 30 }),
      (all, order, room) => {
        const heap = new HitHeap(order, room * 602);
        const sorted = (hits: FoundHit[]) => hits.sort((a, b) => compareHits(a, b, order));
        for (const seconds of all) heap.push(sorted(seconds.map(hit)));
        const found: FoundHit[] = [];
        for (let top = heap.pop(); top !== undefined; top = heap.pop()) found.push(top);
        assert.equal(heap.bytes, 0);
        const { lost } = heap;
        const whole = sorted(all.flat().map(hit)).filter(
          (one) => lost === undefined || compareHits(one, lost, order) < 0,
        );
        assert.deepEqual(
          found.filter((one) => lost === undefined || compareHits(one, lost, order) < 0),
          whole,
        );
        assert.equal(lost === undefined, found.length === all.flat().length);
      },
    ),
    { numRuns: 300, seed: 7 },
  );
});
