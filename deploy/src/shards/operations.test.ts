import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countLimits, countSteps, mostDuring, nextCallMs } from './count-steps.ts';
import { coverOnce, evenBounds, keySpace, shareOf, unevenBounds } from './hash-range.ts';
import { afterOperation, nextOperation, type OpenRange, planOperations } from './operations.ts';

/** Ranges between these bounds. */
function ranges(bounds: bigint[]): OpenRange[] {
  const all = [0n, ...new Set(bounds), keySpace].sort((a, b) => (a < b ? -1 : 1));
  return all.slice(1).map((end, i) => ({ id: `s${i}`, from: all[i] ?? 0n, to: end - 1n }));
}

const even = (count: number) => ranges(evenBounds(count));

/** Any ranges that a stream may have: even ones, and those that somebody cut by hand. */
const anyRanges = fc.oneof(
  fc.integer({ min: 1, max: 40 }).map(even),
  fc.array(fc.bigInt({ min: 2n ** 100n, max: keySpace - 2n ** 100n }), { maxLength: 25 }).map(ranges),
);
const anyCount = fc.integer({ min: 1, max: 40 });

test('splits and merges reach any number of even shards from any ranges, and every key always has one shard', () => {
  fc.assert(
    fc.property(anyRanges, anyCount, fc.integer({ min: 0, max: 3 }), (open, count, spare) => {
      const most = Math.max(open.length, count) + spare;
      let now = open;
      let steps = 0;
      for (const operation of planOperations(open, count, most)) {
        if (operation.kind === 'split') {
          const range = now.find(({ id }) => id === operation.shard);
          assert.ok(
            range && operation.at > range.from + 1n && operation.at < range.to,
            'as SplitShard takes it',
          );
        } else {
          const [lower, upper] = [operation.lower, operation.upper].map((id) =>
            now.find((one) => one.id === id),
          );
          assert.equal((lower?.to ?? 0n) + 1n, upper?.from, 'as MergeShards takes it');
        }
        now = afterOperation(now, operation);
        steps++;
        assert.ok(coverOnce(now));
        assert.ok(now.length <= most, 'never more than the account allows');
        assert.ok(now.length >= Math.min(open.length, count) - 1, 'never much less than enough');
        if (spare > 0) assert.ok(now.length >= Math.min(open.length, count), 'never less than enough');
        assert.ok(now.length <= Math.max(open.length, count + 1));
      }
      assert.equal(now.length, count);
      assert.deepEqual(unevenBounds(now, count), { missing: [], wrong: [] });
      assert.ok(steps <= open.length - 1 + count - 1, 'no step is undone');
    }),
    { numRuns: 400 },
  );
});

test('where some shards may not be closed yet, only others are', () => {
  fc.assert(
    fc.property(anyRanges, anyCount, fc.integer(), (open, count, seed) => {
      const may = (id: string) => (Number(id.slice(1)) * 31 + seed) % 3 !== 0;
      const next = nextOperation(open, count, { most: 1_000, may });
      if (next === undefined || next === 'wait') return;
      assert.ok((next.kind === 'split' ? [next.shard] : [next.lower, next.upper]).every(may));
    }),
  );
});

test('bounds that an engine rounded in its own way are even', () => {
  const rounded = ranges(evenBounds(7).map((bound, i) => bound + BigInt(i * 5)));
  assert.deepEqual(planOperations(rounded, 7, 100), []);
  assert.deepEqual(planOperations(ranges([10n ** 37n]), 2, 100).length, 2);
});

test('2 to 5 and back to 3 take the steps that they need', () => {
  const names = (from: number, to: number) => planOperations(even(from), to, 100).map(({ kind }) => kind);
  assert.deepEqual(names(2, 4), ['split', 'split']);
  assert.deepEqual(names(4, 2), ['merge', 'merge']);
  assert.deepEqual(names(2, 5), ['split', 'split', 'split', 'split', 'merge']);
  assert.deepEqual(names(5, 3), ['merge', 'merge', 'split', 'merge', 'split', 'merge']);
});

test('with the account full, what is to be merged is merged before anything is split', () => {
  const [first] = planOperations(even(4), 5, 5);
  assert.equal(first?.kind, 'split');
  assert.equal(planOperations(even(5), 5, 5).length, 0);
  const uneven = ranges([2n ** 120n, 2n ** 121n]);
  assert.deepEqual(
    planOperations(uneven, 3, 3).map(({ kind }) => kind),
    ['merge', 'split', 'merge', 'split'],
  );
});

test('each call of UpdateShardCount at most doubles or halves, and they end at the target', () => {
  const any = fc.integer({ min: 1, max: countLimits.shards });
  fc.assert(
    fc.property(any, any, (open, target) => {
      let at = open;
      for (const next of countSteps(open, target)) {
        assert.ok(next <= at * 2 && next >= at / 2 && next !== at);
        assert.ok(mostDuring(at, next) >= Math.max(at, next));
        at = next;
      }
      assert.equal(at, target);
      assert.ok(countSteps(open, target).length <= 14);
    }),
  );
  assert.deepEqual(countSteps(2, 9), [4, 8, 9]);
  assert.deepEqual(countSteps(9, 2), [5, 3, 2]);
  assert.equal(mostDuring(4, 8), 8);
  assert.equal(mostDuring(8, 4), 8);
  assert.equal(mostDuring(4, 5), 8);
});

test('the eleventh call of UpdateShardCount waits until the first of ten is a day old', () => {
  const day = 86_400_000;
  const calls = Array.from({ length: 10 }, (_, i) => 1_000 + i);
  assert.equal(nextCallMs(calls.slice(1), 5_000), 5_000);
  assert.equal(nextCallMs(calls, 5_000), 1_000 + day);
  assert.equal(nextCallMs(calls, 1_001 + day), 1_001 + day);
});

test('the shares of all shards are the whole', () => {
  const sum = even(7).reduce((total, range) => total + shareOf(range), 0);
  assert.ok(Math.abs(sum - 1) < 1e-6);
  assert.ok(!coverOnce(even(3).slice(1)));
});
