import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { putObject, testBlock } from '@millrace/archive/testing/objects.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { ColdWatch } from './cold-watch.ts';

const nowMs = Date.UTC(2026, 1, 10);

test('marks that went with a lost store are missed at the next look at everything', async () => {
  const objects = fakeObjectStore();
  const key = putObject(objects, [testBlock([{ from: 0, text: 'x\n' }])], { arrivedMs: nowMs - 3_600_000 });
  let monotonicMs = 0;
  let marked = new Set([key]);
  const watch = new ColdWatch({
    objects,
    prefix: '',
    store: {
      horizons: async () => new Map(),
      marked: async (asked) => new Set(asked.filter((one) => marked.has(one))),
    },
    clock: { ...systemClock, now: () => nowMs, monotonic: () => monotonicMs },
    freshMs: 10_000,
    settleMs: 120_000,
    objectsMax: 1_000,
    onFailure: (error) => assert.fail(String(error)),
  });
  const unmarked = async () => {
    await watch.look();
    return (await watch.known())?.unmarked.map((entry) => entry.key);
  };
  assert.deepEqual(await unmarked(), []);
  marked = new Set();
  monotonicMs += 600_000;
  assert.deepEqual(await unmarked(), [key]);
});
