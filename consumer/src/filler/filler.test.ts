import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { consumerEvents } from '../events.ts';
import { createIndexer } from '../index/indexer.ts';
import { hold } from '../testing/fake-store.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import { wholeStore } from '../testing/whole-store.ts';
import { fillObject } from './fill-object.ts';
import { Filler } from './filler.ts';

const running = new AbortController().signal;

function setUp(hotDays?: number) {
  const clock = virtualClock();
  const objects = fakeObjectStore();
  const store = wholeStore();
  const telemetryOf = () => createTelemetry('consumer', consumerEvents, createLogger('test', 'silent'));
  const telemetry = telemetryOf();
  const indexer = createIndexer({ store, clock, telemetry });
  const work = {
    objects,
    store,
    indexer,
    renderer: createRenderer(),
    emit: telemetry.emit,
    readBytes: 1_048_576,
    clock,
    giveUpMs: 120_000,
  };
  const config = { interval_ms: 60_000, min_age_ms: 60_000, remember_max: 1_000, read_bytes: 1_048_576 };
  let held = true;
  const options = {
    config,
    prefix: '',
    hotDays,
    objects,
    store,
    clock,
    telemetry,
    lock: {
      hold: async () => held,
      release: async () => {
        held = false;
      },
    },
    fill: (key: string, bytes: number, signal: AbortSignal) => fillObject(work, key, bytes, signal),
  };
  const filler = new Filler(options);
  /** One pass, while time goes on; by another process when `by` says so. */
  const pass = async (all = true, by = filler, withinMs = 1_000) => {
    const filled = by.pass(running, all).catch((error: unknown) => error);
    await clock.advance(withinMs);
    return filled;
  };
  let next = 0;
  /** An archive object of `blocks` blocks of one line each, completed long ago. */
  const addObject = (
    options: {
      blocks?: number;
      agoMs?: number;
      rule?: string;
      /** Which block has the rule; absent: all. */
      ruleAt?: number;
      damage?: number;
      stream?: string;
    } = {},
  ) => {
    const { blocks = 2, agoMs = 2 * hourMs, rule, ruleAt, damage, stream = 'logs' } = options;
    const builder = new FooterBuilder(stream);
    const parts: Buffer[] = [];
    const first = next;
    for (let i = 0; i < blocks; i++) {
      const run = {
        bytes: Buffer.from(`line ${next}\n`),
        from: next * 100,
        capturedMs: 1_770_000_000_000,
        multiline: false,
      };
      const { header, payload } = blockOf([run], ruleAt === undefined || ruleAt === i ? rule : undefined);
      header.stream = stream;
      const bytes = encodeBlock(header, payload);
      builder.add(
        { length: bytes.length, id: blockId(bytes), arrivalMs: 1, sequence: String(next++) },
        header,
      );
      if (i === damage) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      parts.push(bytes);
    }
    const arrivedMs = clock.now() - agoMs;
    const key = archiveKey({
      prefix: '',
      stream,
      hourMs: arrivedMs,
      shard: 's-1',
      firstSequence: String(first),
      suffix: '00000000',
    });
    objects.objects.set(key, {
      bytes: Buffer.concat([...parts, encodeFooter(builder.build())]),
      modifiedMs: clock.now() - Math.min(agoMs, 120_000),
    });
    return key;
  };
  const another = () => new Filler({ ...options, telemetry: telemetryOf() });
  return { clock, objects, store, work, filler, another, pass, addObject };
}

test('objects without a mark are indexed and marked, those with one are left alone', async () => {
  const { store, pass, addObject } = setUp();
  const marked = addObject();
  await store.putMark({ object: marked, stream: 'logs', events: 2, indexed: 2, exceptions: [] });
  const keys = [addObject({ blocks: 3 }), addObject({ stream: 'web' })];
  assert.equal(await pass(), 2);
  assert.deepEqual(
    store.marks.slice(1).map(({ object, events, indexed }) => ({ object, events, indexed })),
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
  const [mark] = store.marks.splice(0);
  assert.equal(await pass(true, another()), 1);
  assert.deepEqual(store.marks, [mark]);
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
  assert.equal(store.marks[0]?.exceptions.length, 1);
  assert.equal(store.marks[0]?.exceptions[0]?.outcome, 'missing');
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
  assert.equal(store.marks.length, 1);
});

test('an object with a rule of a newer version gets no mark and is not read again by this version', async () => {
  const { store, objects, pass, addObject } = setUp();
  addObject({ rule: '{"parse":{"type":"later"},"v":9}' });
  assert.equal(await pass(), 0);
  assert.equal(store.marks.length, 0);
  const reads = objects.calls.filter((call) => call === 'read').length;
  await pass();
  assert.equal(objects.calls.filter((call) => call === 'read').length, reads);
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
  assert.equal(store.marks.length, 1);
  addObject();
  await clock.advance(61_000);
  assert.equal(store.marks.length, 2);
  stop.abort();
  await clock.advance(1);
  await run;
});

test('what can be indexed of an object with a rule of a newer version is indexed', async () => {
  const { store, pass, addObject } = setUp();
  addObject({ blocks: 3, rule: '{"parse":{"type":"later"},"v":9}', ruleAt: 1 });
  assert.equal(await pass(), 0);
  assert.equal(store.held.size, 2);
  assert.equal(store.marks.length, 0);
});

test('a fault of the renderer is no damage of the block: there is no mark', async () => {
  const { store, pass, addObject, work } = setUp();
  addObject();
  work.renderer = {
    renderBlock() {
      throw new TypeError('a fault in here');
    },
  };
  assert.equal(await pass(), 0);
  assert.equal(store.marks.length, 0);
});

test('an object that cannot be read does not keep the others out, and is tried again', async () => {
  const { objects, store, pass, addObject } = setUp();
  addObject();
  addObject();
  let reads = 0;
  objects.fate = (call) => (call === 'read' && reads++ === 0 ? 'fails' : 'works');
  assert.equal(await pass(), 1);
  assert.equal(await pass(), 1);
  assert.equal(store.marks.length, 2);
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
    store.marks.map((mark) => mark.stream),
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
