import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import { settle } from '@millrace/core/testing/virtual-clock.ts';
import { hold, unavailable } from '../testing/fake-store.ts';
import {
  blocked,
  doc,
  docs,
  drained,
  index,
  indexerBench,
  one,
  overloaded,
  rejected,
  sizes,
} from '../testing/indexer-bench.ts';

test('a single line is sent at once, lines soon after it wait and go together', async (t) => {
  const { store, clock, indexer } = indexerBench(t);
  const group = indexer.group();
  await indexer.add([doc(1)], group);
  assert.deepEqual(sizes(store), [1]);
  await settle();
  for (const n of [2, 3, 4]) await indexer.add([doc(n)], group);
  await clock.advance(99);
  assert.deepEqual(sizes(store), [1]);
  await clock.advance(1);
  assert.deepEqual(sizes(store), [1, 3]);
  group.seal();
  assert.deepEqual(await group.done, { events: 4, indexed: 4, exceptions: [] });
});

test('requests keep to their bounds of documents, bytes and number, in order', async (t) => {
  const { store, indexer } = indexerBench(t, { body_documents_max: 10, requests_max: 3 });
  const group = indexer.group();
  const waits = Promise.withResolvers<void>();
  store.answer = async (documents) => {
    await waits.promise;
    return hold(store, documents);
  };
  await indexer.add(docs(1, 100), group);
  assert.deepEqual(sizes(store), [10, 10, 10]);
  waits.resolve();
  group.seal();
  assert.equal((await group.done)?.indexed, 100);
  assert.equal(store.concurrent, 3);
  const order = store.bulks.flat().map((sent) => sent.source.n);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => Number(a) - Number(b)),
  );

  const small = indexerBench(t, { body_bytes_max: 65_536 });
  let largest = 0;
  small.store.answer = (documents, body) => {
    largest = Math.max(largest, Buffer.byteLength(body));
    return hold(small.store, documents);
  };
  const other = small.indexer.group();
  await small.indexer.add(docs(1, 100, 'ä'.repeat(1500)), other);
  other.seal();
  await drained(small.clock, other.done);
  assert.ok(largest <= 65_536 && largest > 60_000, String(largest));
});

test('documents that the store puts off are sent again alone, the others are not', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t);
  const group = indexer.group();
  store.script.push((documents) =>
    documents.map((sent, i) => (i === 3 ? blocked : one(hold(store, [sent])))),
  );
  await indexer.add(docs(1, 10), group);
  group.seal();
  await settle();
  assert.deepEqual(sizes(store), [10]);
  assert.equal(await drained(clock, group.done).then((result) => result?.indexed), 10);
  assert.deepEqual(
    store.bulks[1]?.map((sent) => sent.source.n),
    [4],
  );
  assert.deepEqual(await counters('deferred', 'accepted', 'down'), [1, 1, 0]);
});

test('an index that stays blocked does not hold up the documents of others', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { body_documents_max: 5 });
  store.answer = (documents) =>
    documents.map((sent) => (sent.index === 'blocked' ? blocked : one(hold(store, [sent]))));
  const stuck = indexer.group();
  await indexer.add(
    docs(1, 20).map((document) => ({ ...document, index: 'blocked' })),
    stuck,
  );
  stuck.seal();
  const free = indexer.group();
  await indexer.add(docs(21, 100), free);
  free.seal();
  assert.equal((await drained(clock, free.done))?.indexed, 80);
  stuck.abandon();
  assert.equal(await stuck.done, undefined);
});

test('a store that is down is asked by one request at a time, ever more slowly, and nothing is lost', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t, { body_documents_max: 10 });
  store.answer = async () => {
    await clock.sleep(50);
    return unavailable();
  };
  const group = indexer.group();
  await indexer.add(docs(1, 100), group);
  group.seal();
  await clock.advance(10_000);
  store.concurrent = 0;
  await clock.advance(110_000);
  const asked = store.bulks.length;
  assert.ok(asked >= 12 && asked <= 40, `${asked} requests in two minutes`);
  // Said each minute.
  assert.deepEqual(await counters('down', 'up'), [2, 0]);
  assert.equal(store.concurrent, 1);
  store.answer = (documents) => hold(store, documents);
  assert.deepEqual(await drained(clock, group.done), { events: 100, indexed: 100, exceptions: [] });
  assert.equal(store.held.size, 100);
  assert.deepEqual(await counters('up'), [1]);
});

test('a store that refuses most of a request for its load is given time', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { body_documents_max: 10 });
  store.answer = (documents) => documents.map(() => overloaded);
  const group = indexer.group();
  await indexer.add(docs(1, 1000), group);
  group.seal();
  await clock.advance(60_000);
  assert.ok(store.bulks.length < 30, `${store.bulks.length} requests in a minute`);
  store.answer = (documents) => hold(store, documents);
  assert.equal((await drained(clock, group.done))?.indexed, 1000);
});

test('a lost answer is no lost or doubled document', async (t) => {
  const { store, clock, indexer } = indexerBench(t);
  store.script.push((documents) => {
    hold(store, documents);
    return unavailable();
  });
  const group = indexer.group();
  await indexer.add(docs(1, 5), group);
  group.seal();
  assert.deepEqual(await drained(clock, group.done), { events: 5, indexed: 5, exceptions: [] });
});

test('a request that is too large is halved, and later ones are smaller from the start', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t, { body_bytes_max: 1024 * 1024 });
  const limit = 200_000;
  let refusals = 0;
  store.answer = (documents, body) => {
    if (body.length <= limit) return hold(store, documents);
    refusals++;
    throw new StoreRejection(413, '_bulk: 413');
  };
  const group = indexer.group();
  await indexer.add(docs(1, 1000, 'x'.repeat(1000)), group);
  await clock.advance(5000);
  const before = refusals;
  await indexer.add(docs(1001, 2000, 'x'.repeat(1000)), group);
  group.seal();
  assert.deepEqual(await drained(clock, group.done), { events: 2000, indexed: 2000, exceptions: [] });
  assert.equal(refusals, before);
  const [shrunk] = await counters('shrunk');
  assert.ok(shrunk !== undefined && shrunk >= 1 && shrunk <= 6);
});

test('the one document that makes the store refuse a whole request is found', async (t) => {
  const { store, clock, indexer } = indexerBench(t);
  store.answer = (documents) => {
    if (documents.some((sent) => sent.source.n === 77)) throw new StoreRejection(400, '_bulk: 400 poison');
    return hold(store, documents);
  };
  const group = indexer.group();
  await indexer.add(docs(1, 200), group);
  group.seal();
  const result = await drained(clock, group.done);
  assert.deepEqual([result?.events, result?.indexed], [200, 200]);
  assert.deepEqual(result?.exceptions, [
    { id: doc(77).id, reason: 'request: _bulk: 400 poison', index, outcome: 'fallback' },
  ]);
});

test('a document that the store cannot hold is indexed in the fallback shape, or else named as missing', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t, { exceptions_max: 2 });
  store.answer = (documents) =>
    documents.map((sent) => {
      if (sent.source.n !== undefined && Number(sent.source.n) <= 3) return rejected;
      return sent.id === doc(2).id ? rejected : one(hold(store, [sent]));
    });
  const group = indexer.group();
  await indexer.add(docs(1, 5), group, 'b1');
  group.seal();
  const result = await drained(clock, group.done);
  const reason = 'mapper_parsing: bad field';
  assert.deepEqual(result, {
    events: 5,
    indexed: 4,
    exceptions: [
      { id: doc(1).id, reason, index, block: 'b1', outcome: 'fallback' },
      { id: doc(2).id, reason, index, block: 'b1', outcome: 'missing' },
    ],
    setAside: 3,
  });
  assert.deepEqual(await counters('fallback', 'missing'), [3, 1]);
  const held = store.held.get(`${index}/${doc(1).id}`)?.source;
  assert.deepEqual(held?.error, { type: 'index', message: reason });
  assert.equal(held?.message, 'line 1');
});

test('a document larger than any request goes in the fallback shape at once', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { body_bytes_max: 65_536 });
  const group = indexer.group();
  await indexer.add([doc(1, 'x'.repeat(70_000)), doc(2)], group);
  group.seal();
  const result = await drained(clock, group.done);
  assert.deepEqual([result?.indexed, result?.exceptions.length], [2, 1]);
  assert.equal(String(store.held.get(`${index}/${doc(1).id}`)?.source.message).length, 8192);
});

test('add waits while the queue is full; a group that is abandoned frees it and fails its waiting calls', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { queue_bytes_max: 65_536, body_documents_max: 10 });
  store.answer = unavailable;
  const [first, second] = [indexer.group(), indexer.group()];
  assert.equal(await indexer.add(docs(1, 200), first), true);
  const states = { first: 'waits', second: 'waits' };
  const more = indexer.add(docs(201, 210), first).then((taken) => {
    states.first = String(taken);
  });
  const other = indexer.add(docs(211, 220), second).then((taken) => {
    states.second = String(taken);
  });
  await clock.advance(60_000);
  assert.deepEqual(states, { first: 'waits', second: 'waits' });
  first.abandon();
  await Promise.all([more, other]);
  assert.deepEqual(states, { first: 'false', second: 'true' });
  assert.equal(await first.done, undefined);
  second.seal();
  store.answer = (documents) => hold(store, documents);
  assert.equal((await drained(clock, second.done))?.indexed, 10);
  assert.equal(store.held.size, 10);
  assert.equal(await indexer.add([doc(1)], first), false);
});

test('closing ends everything: groups, waiting calls and requests', async (t) => {
  const { store, indexer } = indexerBench(t, { queue_bytes_max: 65_536 });
  const waits = Promise.withResolvers<void>();
  store.answer = async () => {
    await waits.promise;
    return unavailable();
  };
  const group = indexer.group();
  await indexer.add(docs(1, 300), group);
  const waiting = indexer.add(docs(301, 302), group);
  const closed = indexer.close();
  assert.equal(await waiting, false);
  assert.equal(await group.done, undefined);
  waits.resolve();
  await closed;
  assert.equal(await indexer.group().done, undefined);
});

test('answers for an abandoned group change nothing', async (t) => {
  const { store, clock, indexer, counters } = indexerBench(t, { requests_max: 1 });
  const waits = Promise.withResolvers<void>();
  store.script.push(async () => {
    await waits.promise;
    return [blocked, rejected];
  });
  const group = indexer.group();
  await indexer.add(docs(1, 2), group);
  group.abandon();
  waits.resolve();
  await clock.advance(60_000);
  assert.deepEqual(sizes(store), [2]);
  assert.deepEqual(await counters('deferred', 'fallback'), [0, 0]);
});

test('half of a refused request is sent even when the other half was abandoned under way', async (t) => {
  const { store, clock, indexer } = indexerBench(t, { requests_max: 1 });
  const [first, second] = [indexer.group(), indexer.group()];
  await indexer.add([doc(0)], second);
  await settle();
  const refuse = () => {
    throw new StoreRejection(400, '_bulk: 400');
  };
  store.script.push(refuse, () => {
    first.abandon();
    return unavailable();
  });
  await indexer.add([doc(1)], first);
  await indexer.add([doc(2)], second);
  await clock.advance(100);
  assert.deepEqual(sizes(store), [1, 2, 1]);
  second.seal();
  assert.equal((await drained(clock, second.done))?.indexed, 2);
});

test('an empty group is done when it is sealed', async (t) => {
  const group = indexerBench(t).indexer.group();
  group.seal();
  assert.deepEqual(await group.done, { events: 0, indexed: 0, exceptions: [] });
});

for (const status of [404, 405, 415]) {
  test(`a ${status} for a whole request is no fault of its documents: all are sent again, as they are`, async (t) => {
    const { store, clock, indexer, counters } = indexerBench(t);
    const lost = () => {
      throw new StoreRejection(status, `_bulk: ${status}`);
    };
    store.script = Array(20).fill(lost);
    const group = indexer.group();
    await indexer.add(docs(1, 4), group);
    group.seal();
    const result = await drained(clock, group.done);
    assert.deepEqual(result, { events: 4, indexed: 4, exceptions: [] });
    // It takes more than a minute.
    assert.deepEqual(await counters('down', 'up'), [2, 1]);
  });
}
