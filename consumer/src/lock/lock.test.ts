import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { createLock, type LockItem, type LockState } from './lock.ts';

function memoryItem(): LockItem & { state: LockState | undefined } {
  const item: LockItem & { state: LockState | undefined } = {
    state: undefined,
    read: async () => item.state,
    async replace(was, next) {
      if (item.state?.holder !== was?.holder || item.state?.counter !== was?.counter) return false;
      item.state = next;
      return true;
    },
    async remove(holder) {
      if (item.state?.holder === holder) item.state = undefined;
    },
  };
  return item;
}

test('one of two holds the lock, and the other gets it when it is given back', async () => {
  const clock = virtualClock();
  const item = memoryItem();
  const [a, b] = [createLock(item, 'a', 1_000, clock), createLock(item, 'b', 1_000, clock)];
  assert.ok(await a.hold());
  assert.equal(await b.hold(), false);
  assert.ok(await a.hold(), 'kept');
  await a.release();
  assert.ok(await b.hold());
});

test('a lock whose holder went silent is taken over after its expiry, as the other one sees it', async () => {
  const clock = virtualClock();
  const item = memoryItem();
  const [a, b] = [createLock(item, 'a', 1_000, clock), createLock(item, 'b', 1_000, clock)];
  await a.hold();
  await clock.advance(5_000);
  assert.equal(await b.hold(), false, 'seen for the first time');
  await clock.advance(999);
  assert.equal(await b.hold(), false);
  await clock.advance(1);
  assert.ok(await b.hold());
  assert.equal(await a.hold(), false, 'the one that woke up has lost it');
  await a.release();
  assert.equal(item.state?.holder, 'b');
});

test('a holder that keeps moving the counter is never taken over', async () => {
  const clock = virtualClock();
  const item = memoryItem();
  const [a, b] = [createLock(item, 'a', 1_000, clock), createLock(item, 'b', 1_000, clock)];
  for (let i = 0; i < 10; i++) {
    assert.ok(await a.hold());
    assert.equal(await b.hold(), false);
    await clock.advance(900);
  }
});

test('of two that take over at once one succeeds', async () => {
  const clock = virtualClock();
  const item = memoryItem();
  item.state = { holder: 'gone', counter: 7 };
  const locks = ['b', 'c'].map((name) => createLock(item, name, 1_000, clock));
  for (const lock of locks) await lock.hold();
  await clock.advance(1_000);
  const results = await Promise.all(locks.map((lock) => lock.hold()));
  assert.deepEqual(results.sort(), [false, true]);
});

test('a process that starts again under its name has its lock at once', async () => {
  const item = memoryItem();
  await createLock(item, 'a', 1_000, virtualClock()).hold();
  assert.ok(await createLock(item, 'a', 1_000, virtualClock()).hold());
});
