import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { keptHorizons } from './kept-horizons.ts';

test('horizons are asked for once in a while, by all together, and again after a failure', async () => {
  let nowMs = 0;
  let asked = 0;
  let fails = true;
  const store = {
    horizons: async () => {
      asked++;
      if (fails) throw new Error('down');
      return new Map([['app', `2026.01.0${asked}`]]);
    },
  };
  const horizons = keptHorizons(store, { ...systemClock, monotonic: () => nowMs });
  await assert.rejects(horizons());
  fails = false;
  const both = await Promise.all([horizons(), horizons()]);
  assert.deepEqual([both[0], asked], [both[1], 2]);
  nowMs = 4_999;
  assert.equal((await horizons()).get('app'), '2026.01.02');
  nowMs = 5_000;
  assert.equal((await horizons()).get('app'), '2026.01.03');
});
