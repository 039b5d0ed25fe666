import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hourMs } from '@millrace/core/archive/key.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { hold } from '../testing/fake-store.ts';
import { running, setUp } from '../testing/filler-bench.ts';
import { wholeStore } from '../testing/whole-store.ts';

test('objects without a mark are indexed and marked, those with one are left alone', async () => {
  const { store, pass, addObject } = setUp();
  const marked = addObject();
  await store.putMark({ object: marked, stream: 'logs', events: 2, indexed: 2, exceptions: [] });
  const keys = [addObject({ blocks: 3 }), addObject({ stream: 'web' })];
  assert.equal(await pass(), 2);
  assert.deepEqual(
    store.marksHeld.slice(1).map(({ object, events, indexed }) => ({ object, events, indexed })),
    [
      { object: keys[0], events: 3, indexed: 3 },
      { object: keys[1], events: 2, indexed: 2 },
    ],
  );
  assert.equal(store.held.size, 5);
});

test('a second pass finds nothing to do and asks for no mark again', async () => {
  const { store, pass, addObject } = setUp();
  addObject();
  assert.equal(await pass(), 1);
  const calls = store.calls.length;
  assert.equal(await pass(), 0);
  assert.equal(store.calls.length, calls);
});

test('a lost mark costs a read and no second document', async () => {
  const { store, pass, addObject, another } = setUp();
  addObject();
  await pass();
  const [mark] = store.marksHeld.splice(0);
  assert.equal(await pass(true, another()), 1);
  assert.deepEqual(store.marksHeld, [mark]);
  assert.equal(store.held.size, 2);
});

test('objects that are too young are left to the consumer that wrote them', async () => {
  const { objects, clock, pass, addObject } = setUp();
  const key = addObject();
  const object = objects.objects.get(key);
  assert.ok(object);
  object.modifiedMs = clock.now() - 30_000;
  assert.equal(await pass(), 0);
  await clock.advance(30_000);
  assert.equal(await pass(), 1);
});

test('only the hot horizon is filled, and an ordinary pass lists only the last hours', async () => {
  const { pass, addObject } = setUp(7);
  addObject({ agoMs: 9 * 86_400_000 });
  addObject({ agoMs: 2 * 86_400_000 });
  addObject({ agoMs: hourMs });
  assert.equal(await pass(false), 1);
  assert.equal(await pass(true), 1);
  assert.equal(await pass(true), 0);
});

test('a damaged block is named in the mark and does not keep the others out', async () => {
  const { store, pass, addObject } = setUp();
  addObject({ blocks: 3, damage: 1 });
  assert.equal(await pass(), 1);
  assert.equal(store.held.size, 2);
  assert.equal(store.marksHeld[0]?.exceptions.length, 1);
  assert.equal(store.marksHeld[0]?.exceptions[0]?.outcome, 'missing');
});

test('an object without a readable footer is passed over once and for all', async () => {
  const { store, objects, pass, addObject } = setUp();
  const key = addObject();
  const object = objects.objects.get(key);
  assert.ok(object);
  object.bytes = object.bytes.subarray(0, -3);
  addObject();
  assert.equal(await pass(), 1);
  const reads = objects.calls.filter((call) => call === 'read').length;
  assert.equal(await pass(), 0);
  assert.equal(objects.calls.filter((call) => call === 'read').length, reads);
  assert.equal(store.marksHeld.length, 1);
});

test('while the store is down a pass fails, and a later one makes search whole', async () => {
  const { store, pass, addObject } = setUp();
  addObject();
  store.down = true;
  assert.ok((await pass()) instanceof MillraceError);
  store.down = false;
  assert.equal(await pass(), 1);
});

test('the loop passes each interval while it holds the lock, and ends with its signal', async () => {
  const { store, clock, filler, addObject } = setUp();
  const stop = new AbortController();
  const run = filler.run(stop.signal);
  addObject();
  await clock.advance(61_000);
  assert.equal(store.marksHeld.length, 1);
  addObject();
  await clock.advance(61_000);
  assert.equal(store.marksHeld.length, 2);
  stop.abort();
  await clock.advance(1);
  await run;
});

test('a fault of the renderer is named in the mark, and the shard of work goes on', async () => {
  const { store, pass, addObject, work } = setUp();
  addObject();
  work.renderer = {
    renderBlock() {
      throw new TypeError('a fault in here');
    },
  };
  assert.equal(await pass(), 1);
  const [mark] = store.marksHeld;
  assert.deepEqual([mark?.indexed, mark?.setAside], [0, 2]);
  assert.deepEqual(mark?.exceptions[0]?.reason, 'fault: a fault in here');
});

test('an object that cannot be read does not keep the others out, and is tried again', async () => {
  const { objects, store, pass, addObject } = setUp();
  addObject();
  addObject();
  let reads = 0;
  objects.fate = (call) => (call === 'read' && reads++ === 0 ? 'fails' : 'works');
  assert.equal(await pass(), 1);
  assert.equal(await pass(), 1);
  assert.equal(store.marksHeld.length, 2);
});

test('an object whose index takes nothing does not keep the others out', async () => {
  const { store, pass, addObject, filler } = setUp();
  addObject({ blocks: 1, stream: 'closed' });
  addObject({ blocks: 1 });
  store.answer = async (documents) =>
    documents.map((sent) => {
      if (sent.index.startsWith('millrace-closed-')) return { kind: 'retry', status: 403, reason: 'closed' };
      const [result] = hold(store, [sent]);
      assert.ok(result);
      return result;
    });
  assert.equal(await pass(true, filler, 300_000), 1);
  assert.deepEqual(
    store.marksHeld.map((mark) => mark.stream),
    ['logs'],
  );
});

test('a mark that the store refuses does not keep the others out', async () => {
  const { store, pass, addObject } = setUp();
  const key = addObject();
  addObject();
  const { putMark } = store;
  store.putMark = async (mark, signal) => {
    if (mark.object === key) throw new MillraceError('STORE_REJECTED', 'too large');
    return putMark(mark, signal);
  };
  assert.equal(await pass(), 1);
});

test('a second store is filled from the archive by the same loop, to the same counts', async () => {
  const { store, clock, pass, addObject, fillerOf } = setUp();
  for (let i = 0; i < 5; i++) addObject({ blocks: 3 });
  await pass();
  const second = wholeStore();
  const filler = fillerOf(second);
  const filled = filler.pass(running, true);
  for (let i = 0; i < 20; i++) await clock.advance(100);
  assert.equal(await filled, 5);
  assert.deepEqual([...second.held.keys()].sort(), [...store.held.keys()].sort());
  assert.deepEqual(second.marksHeld, store.marksHeld);
});
