import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { whileHeld } from './fleet-lock.ts';

const running = new AbortController().signal;

/** A lock that answers as `hold` says, call after call; then as at last. */
function setUp(...answers: (boolean | Error)[]) {
  const clock = virtualClock();
  let calls = 0;
  const lock = {
    async hold() {
      const answer = answers[Math.min(calls++, answers.length - 1)];
      if (answer instanceof Error) throw answer;
      return answer ?? false;
    },
    release: () => Promise.resolve(),
  };
  /** Works for `seconds`, or until the lock is lost. */
  const work = (seconds: number) =>
    whileHeld(lock, clock, running, async (held) => {
      await clock.sleep(seconds * 1_000, held);
      return held.aborted ? 'lost' : 'done';
    });
  return { clock, work, calls: () => calls };
}

test('no work is done while another process has the lock', async () => {
  const { work } = setUp(false);
  assert.equal(await work(1), undefined);
});

test('the lock is kept as long as the work takes, and not after it', async () => {
  const { clock, work, calls } = setUp(true);
  const result = work(35);
  await clock.advance(35_000);
  assert.equal(await result, 'done');
  const kept = calls();
  assert.ok(kept >= 4);
  await clock.advance(60_000);
  assert.equal(calls(), kept);
});

test('work whose lock was taken over is told to end', async () => {
  const { clock, work } = setUp(true, true, false);
  const result = work(3_600);
  await clock.advance(20_000);
  assert.equal(await result, 'lost');
});

test('a lock that cannot be kept ends the work, and is why it failed', async () => {
  const { clock, work } = setUp(true, new Error('DynamoDB does not answer'));
  const result = work(3_600);
  const rejected = assert.rejects(result, /does not answer/);
  await clock.advance(10_000);
  await rejected;
});

test('a failure of the lock after the work is done takes nothing from its result', async () => {
  const clock = virtualClock();
  const late = Promise.withResolvers<boolean>();
  let calls = 0;
  const lock = { hold: async () => (calls++ === 0 ? true : late.promise), release: () => Promise.resolve() };
  const result = whileHeld(lock, clock, running, async () => {
    await clock.sleep(15_000);
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => late.reject(new Error('too late')))));
    return 'done';
  });
  await clock.advance(15_000);
  assert.equal(await result, 'done');
});
