import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { hold } from '../testing/fake-store.ts';
import { doc, docs, drained, index, indexerBench, one, overloaded } from '../testing/indexer-bench.ts';
import { indexerEvents } from './events.ts';
import { createIndexer } from './indexer.ts';

test('after a time of requests that fit, larger ones are sent again, up to the configured size', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t, { body_bytes_max: 262_144 });
  let limit = 70_000;
  let largest = 0;
  store.answer = (documents, body) => {
    if (body.length > limit) throw new StoreRejection(413, '_bulk: 413');
    largest = Math.max(largest, body.length);
    return hold(store, documents);
  };
  const group = indexer.group();
  let sent = 0;
  const send = async (count: number) => {
    await indexer.add(docs(sent + 1, sent + count, 'x'.repeat(4000)), group);
    sent += count;
    await clock.advance(20_000);
  };
  await send(500);
  const small = largest;
  assert.ok(small <= limit);
  limit = 10_000_000;
  largest = 0;
  for (let i = 0; i < 20; i++) await send(500);
  assert.ok(largest > 240_000, `${largest} bytes`);
  const [shrunk] = await counters('shrunk');
  group.seal();
  const result = await drained(clock, group.done);
  assert.deepEqual([result?.indexed, result?.exceptions], [sent, []]);
  assert.ok(shrunk !== undefined && shrunk >= 1);
});

test('a store that does not say which days are hot is told of once, and waited for', async (t) => {
  const { store, clock } = indexerBench(t);
  const telemetry = createTelemetry('blind', indexerEvents, createLogger('test', 'silent'));
  let answers = false;
  const refresh = async () => {
    if (!answers) throw new StoreRejection(403, 'may not read');
  };
  const emit = t.mock.method(telemetry, 'emit');
  const indexer = createIndexer({ store, clock, telemetry, horizons: { refresh, isCold: () => false } });
  t.after(() => indexer.close());
  const group = indexer.group();
  const added = indexer.add(docs(1, 2), group);
  await clock.advance(60_000);
  const told = emit.mock.calls.map(({ arguments: [name, fields] }) => [name, fields?.error]);
  assert.deepEqual(told, [['horizons_unread', 'may not read']]);
  assert.equal(store.held.size, 0);
  answers = true;
  assert.equal(await drained(clock, added), true);
  group.seal();
  assert.equal((await drained(clock, group.done))?.indexed, 2);
});

test('documents put off for load halve the requests at a time, and time without brings them back', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { body_documents_max: 10, requests_max: 8 });
  let underWay = 0;
  let most = 0;
  let busy = true;
  store.answer = async (documents) => {
    most = Math.max(most, ++underWay);
    await clock.sleep(50);
    underWay--;
    // A third of each request is too much: the others are taken, and the store is not given up.
    return documents.map((sent, i) => (busy && i % 3 === 0 ? overloaded : one(hold(store, [sent]))));
  };
  const group = indexer.group();
  await indexer.add(docs(1, 3000), group);
  await clock.advance(300);
  assert.equal(most, 8);
  await clock.advance(3000);
  most = 0;
  await clock.advance(1000);
  assert.equal(most, 1);
  busy = false;
  await indexer.add(docs(3001, 9000), group);
  group.seal();
  assert.equal((await drained(clock, group.done))?.indexed, 9000);
  assert.equal(most, 8);
  const counts = new Map<string, number>();
  for (const { id } of store.bulks.flat()) counts.set(id, (counts.get(id) ?? 0) + 1);
  assert.ok(
    [...counts.values()].filter((count) => count === 1).length > 6000,
    'only what was put off is sent again',
  );
});

for (const status of [403, 429]) {
  test(`a block answered with ${status} waits with an alarm each minute, and slows nothing else`, async (t) => {
    const { store, clock, indexer, gauge, counters } = indexerBench(t, { body_documents_max: 5 });
    const block: BulkResult = { kind: 'retry', status, reason: 'flood stage', cause: 'block' };
    let blocked = true;
    store.answer = (documents) =>
      documents.map((sent) => (blocked && sent.index === 'full' ? block : one(hold(store, [sent]))));
    const stuck = indexer.group();
    await indexer.add(
      docs(1, 20).map((document) => ({ ...document, index: 'full' })),
      stuck,
    );
    stuck.seal();
    const free = indexer.group();
    await indexer.add(docs(21, 100), free);
    free.seal();
    assert.equal((await drained(clock, free.done))?.indexed, 80);
    await clock.advance(600_000);
    assert.deepEqual(await counters('down'), [0]);
    const said = await gauge('indices_blocked_total');
    assert.ok(said !== undefined && said >= 9 && said <= 11, `said ${said} times in ten minutes`);
    blocked = false;
    assert.deepEqual(await drained(clock, stuck.done), { events: 20, indexed: 20, exceptions: [] });
  });
}

test('forged times make no more than so many indices in an hour; the rest is set aside by name', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t, { new_indices_max: 3 });
  const named = (n: number) => ({ ...doc(n), index: `${index}-${n}` });
  const group = indexer.group();
  await indexer.add(
    [1, 2, 3, 4, 5, 1].map(named).map((document, i) => ({ ...document, id: doc(i + 1).id })),
    group,
  );
  group.seal();
  const result = await drained(clock, group.done);
  assert.deepEqual([result?.events, result?.indexed], [6, 4]);
  const reason = 'more than 3 new indices within an hour';
  assert.deepEqual(result?.exceptions, [
    { id: doc(4).id, reason, index: `${index}-4`, outcome: 'missing' },
    { id: doc(5).id, reason, index: `${index}-5`, outcome: 'missing' },
  ]);
  assert.deepEqual(await counters('missing'), [2]);
  await clock.advance(3_600_000);
  const later = indexer.group();
  await indexer.add([named(4)], later);
  later.seal();
  assert.equal((await drained(clock, later.done))?.indexed, 1);
  assert.equal(store.held.size, 5);
});

test('a cut document says where the whole of it lies', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { body_bytes_max: 65_536 });
  const group = indexer.group('app/2026/11/22/10/shard-1/1-a.mlr');
  await indexer.add([doc(1, 'x'.repeat(70_000))], group, 'b1');
  group.seal();
  await drained(clock, group.done);
  const held = store.held.get(`${index}/${doc(1).id}`)?.source;
  assert.deepEqual(held?.archive, { object: 'app/2026/11/22/10/shard-1/1-a.mlr', block: 'b1' });
});
