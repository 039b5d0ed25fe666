import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { measured } from '../plan/figures.ts';
import { decide, type Policy, type Situation } from './decide.ts';
import type { Load } from './ports.ts';
import { shardsFor, useOf } from './sizing.ts';

const nowMs = Date.UTC(2026, 1, 3);
const minute = 60_000;
const load = (bytes: number, more: Partial<Load> = {}): Load => {
  const rate = { bytes, records: 10, events: 0 };
  return {
    source: 'test',
    peak: rate,
    mean: rate,
    throttled: 0,
    iteratorAgeMs: 0,
    shards: new Map(),
    ...more,
  };
};
const policy: Policy = { target: 0.6, downBand: 0.7, min: 1, max: 50, cooldownMs: 30 * minute };
const situation = (open: number, more: Partial<Situation>): Situation => ({
  open,
  widest: 1 / open,
  recent: undefined,
  long: undefined,
  history: { latestMs: undefined, countCalls: [], begun: undefined },
  nowMs,
  ...more,
});

test('shards are as many as bytes, records or the CPU of who reads them ask for, whichever is most', () => {
  const rate = { bytes: 3_000_000, records: 100, events: 1_000 };
  assert.deepEqual(shardsFor(rate, 0.6), {
    shards: 5,
    because: 'bytes',
    by: { bytes: 5, records: 1, cpu: 1 },
  });
  assert.equal(shardsFor({ ...rate, records: 9_000 }, 0.6).because, 'records');
  const busy = shardsFor({ ...rate, events: 1_000_000 }, 0.6);
  assert.deepEqual([busy.because, busy.shards], ['cpu', Math.ceil(measured.consumerUs / 0.6)]);
  assert.deepEqual(shardsFor({ bytes: 0, records: 0, events: 0 }, 0.6).because, 'least');
  // Where events are not counted they are supposed of the bytes, as `millrace plan` does.
  const supposed = useOf({ ...rate, events: undefined }, 1);
  assert.equal(supposed.cpu, ((3_000_000 * measured.ratio) / 150) * (measured.consumerUs / 1e6));
});

test('above the target it goes up to where the target is kept, at most doubled, never over the maximum', () => {
  const up = decide(situation(4, { recent: load(3_200_000) }), policy);
  assert.deepEqual([up.action, up.count], ['up', 6]);
  assert.match(up.why, /80 % of the bytes/);
  assert.equal(decide(situation(2, { recent: load(40_000_000) }), policy).count, 4);
  assert.equal(decide(situation(4, { recent: load(40_000_000) }), { ...policy, max: 5 }).count, 5);
  assert.equal(decide(situation(5, { recent: load(40_000_000) }), { ...policy, max: 5 }).action, 'hold');
});

test('refused writes make it grow whatever the minutes say, and keep it from shrinking', () => {
  const throttled = decide(situation(8, { recent: load(1_000, { throttled: 3 }) }), policy);
  assert.deepEqual([throttled.action, throttled.count], ['up', 10]);
  const before = situation(8, { recent: load(1_000), long: load(1_000, { throttled: 3 }) });
  assert.equal(decide(before, policy).action, 'hold');
});

test('one wide shard is full before the others are', () => {
  const even = situation(4, { recent: load(2_000_000) });
  assert.equal(decide(even, policy).action, 'hold');
  const { use } = decide({ ...even, widest: 0.5 }, policy);
  assert.equal(use?.bytes, 1);
});

test('what it may not mend itself is told with what to do', () => {
  const uneven = decide({ ...situation(4, { recent: load(2_000_000) }), widest: 0.5 }, policy);
  assert.deepEqual([uneven.action, uneven.stuck], ['hold', true]);
  assert.match(uneven.why, /one has 50 % of the keys; .\/millrace shards scale 4 --apply evens them/);
  const refused = decide(situation(50, { recent: load(1_000, { throttled: 3 }) }), policy);
  assert.deepEqual([refused.action, refused.stuck], ['hold', true]);
  assert.match(refused.why, /3 writes refused: 63 shards would be right, and --max allows 50; raise it/);
  assert.equal(decide(situation(50, { recent: load(49_000_000) }), policy).stuck, true);
  assert.equal(decide(situation(50, { recent: load(1_000) }), policy).stuck, false);
  const history = { latestMs: nowMs - 5 * minute, countCalls: [], begun: undefined };
  const before = situation(50, { recent: load(1_000, { throttled: 3 }), history });
  assert.equal(decide(before, policy).stuck, false, 'it may have been before the change');
});

test('down only when the whole of the long window would have fitted with room, by half at most', () => {
  const quiet = load(500_000);
  const down = decide(situation(8, { recent: quiet, long: load(1_000_000) }), policy);
  assert.deepEqual([down.action, down.count], ['down', 4]);
  assert.equal(decide(situation(8, { recent: quiet, long: load(3_300_000) }), policy).action, 'hold');
  assert.equal(decide(situation(8, { recent: quiet }), policy).action, 'hold', 'without a long window never');
});

test('after a change nothing is changed until the cooldown is over', () => {
  const history = { latestMs: nowMs - 10 * minute, countCalls: [], begun: undefined };
  const hot = situation(4, { recent: load(3_200_000), history });
  assert.match(decide(hot, policy).why, /changed 10 min ago/);
  assert.equal(decide(hot, policy).action, 'hold');
  assert.equal(decide({ ...hot, nowMs: nowMs + 20 * minute }, policy).action, 'up');
  const quiet = situation(8, { recent: load(1), long: load(1), history });
  assert.equal(decide(quiet, policy).action, 'hold');
  // Somebody may be at it still.
  assert.equal(decide(situation(4, { history }), { ...policy, min: 8 }).action, 'hold');
});

test('scaling down leaves calls of the day for scaling up', () => {
  const calls = (count: number) => Array.from({ length: count }, (_, i) => nowMs - (i + 1) * 60 * minute);
  const quiet = (count: number) =>
    decide(
      situation(8, {
        recent: load(1),
        long: load(1),
        history: { latestMs: undefined, countCalls: calls(count), begun: undefined },
      }),
      policy,
    );
  assert.equal(quiet(6).action, 'down');
  assert.match(quiet(7).why, /7 of the day's ten calls/);
});

test('without a measurement nothing is changed but what is outside its bounds', () => {
  const idle = decide(situation(4, {}), policy);
  assert.deepEqual([idle.action, idle.stuck, idle.why], ['hold', false, 'nothing came in']);
  assert.deepEqual(decide(situation(4, {}), { ...policy, min: 10 }).count, 8);
  assert.deepEqual(decide(situation(40, {}), { ...policy, max: 10 }).count, 20);
});

test('a constant load is reached and then left alone: it never goes up and down by turns', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 30_000_000 }), fc.integer({ min: 1, max: 50 }), (bytes, from) => {
      let open = from;
      const actions: string[] = [];
      for (let i = 0; i < 20; i++) {
        const same = load(bytes);
        const decision = decide(situation(open, { recent: same, long: same }), policy);
        if (decision.action === 'hold') break;
        assert.ok(decision.count <= open * 2 && decision.count >= open / 2 && decision.count !== open);
        actions.push(decision.action);
        open = decision.count;
      }
      assert.ok(actions.length < 20);
      assert.ok(new Set(actions).size <= 1, actions.join());
      assert.ok(open === policy.max || bytes / (open * 1_000_000) <= 0.6);
    }),
  );
});
