import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, watchedWorld as world, write } from '../testing/watched-world.ts';
import { decodeTailCursor, encodeTailCursor } from './tail-cursor.ts';

test('what is written is told once, in order, and what was there before is not', async () => {
  const w = world();
  write(w, { delayMs: 0 });
  await w.clock.advance(100);
  const client = new Client(w);
  await w.clock.advance(1000);
  const ids = [write(w), write(w), write(w)];
  await w.clock.advance(3000);
  assert.deepEqual(client.seen, ids);
  client.leave();
  await w.tails.close();
});

test('events that become visible out of order, late within the window, are all told', async () => {
  const w = world();
  const client = new Client(w);
  await w.clock.advance(1000);
  const late = write(w, { delayMs: 4_500 });
  const soon = write(w, { delayMs: 100 });
  await w.clock.advance(1000);
  const next = write(w, { delayMs: 100 });
  await w.clock.advance(6000);
  assert.deepEqual(client.seen, [soon, next, late]);
  client.leave();
  await w.tails.close();
});

test('a consumer whose clock is ahead does not hide what the others write', async () => {
  const w = world();
  const client = new Client(w);
  await w.clock.advance(1000);
  const ahead = write(w, { stampMs: 60_000, delayMs: 100 });
  await w.clock.advance(2000);
  const behind = write(w, { stampMs: -3_000, delayMs: 100 });
  await w.clock.advance(2000);
  assert.deepEqual(client.seen, [ahead, behind]);
  client.leave();
  await w.tails.close();
});

test('two hundred viewers are one poll, and nothing is polled for nobody', async () => {
  const w = world();
  const clients = Array.from({ length: 200 }, (_, i) => new Client(w, { q: i % 2 === 0 ? '' : 'tag:shop' }));
  await w.clock.advance(2000);
  w.store.searches.length = 0;
  const app = write(w, { tag: 'app' });
  const shop = write(w, { tag: 'shop' });
  await w.clock.advance(4000);
  assert.equal(w.store.searches.length, 10);
  for (const [i, client] of clients.entries())
    assert.deepEqual(client.seen, i % 2 === 0 ? [app, shop] : [shop]);
  for (const client of clients) client.leave();
  await w.clock.advance(1000);
  w.store.searches.length = 0;
  await w.clock.advance(10_000);
  assert.equal(w.store.searches.length, 0);
  assert.equal(w.tails.viewers, 0);
});

test('who reads slowly gets the newest and is told how many it did not get', async () => {
  const w = world({ ring_events: 10 });
  const client = new Client(w);
  await w.clock.advance(1000);
  client.stall();
  const ids: string[] = [];
  for (let i = 0; i < 100; i++) {
    ids.push(write(w, { delayMs: 0 }));
    await w.clock.advance(100);
  }
  await w.clock.advance(2000);
  client.go();
  await w.clock.advance(2000);
  assert.equal(client.seen.length + client.skipped, 100);
  assert.deepEqual(client.seen.slice(-10), ids.slice(-10));
  const skips = client.messages.filter((message) => message.type === 'skipped');
  assert.deepEqual(
    skips.map(({ skip }) => skip.reason),
    ['slow'],
  );
  assert.ok((skips[0]?.skip.fromMs ?? 0) < (skips[0]?.skip.toMs ?? 0));
  client.leave();
  await w.tails.close();
});

test('a rate is kept, and what is above it is counted', async () => {
  const w = world();
  const client = new Client(w, { rate: 5 });
  await w.clock.advance(1000);
  for (let i = 0; i < 100; i++) {
    write(w, { delayMs: 0 });
    await w.clock.advance(100);
  }
  await w.clock.advance(3000);
  assert.equal(client.seen.length + client.skipped, 100);
  assert.ok(client.seen.length > 40 && client.seen.length <= 65, `${client.seen.length} in 10 s`);
  client.leave();
  await w.tails.close();
});

test('a pause holds everything back, polls nothing, and what arrived is told when it ends', async () => {
  const w = world();
  const client = new Client(w);
  await w.clock.advance(1000);
  const before = write(w);
  await w.clock.advance(2000);
  client.viewer.pause(true);
  await w.clock.advance(500);
  w.store.searches.length = 0;
  const during = [write(w), write(w)];
  await w.clock.advance(60_000);
  assert.equal(w.store.searches.length, 0);
  assert.deepEqual(client.seen, [before]);
  client.viewer.pause(false);
  await w.clock.advance(1000);
  const after = write(w);
  await w.clock.advance(2000);
  assert.deepEqual(client.seen, [before, ...during, after]);
  assert.equal(client.skipped, 0);
  client.leave();
  await w.tails.close();
});

test('of a long absence the newest are told, the others counted', async () => {
  const w = world({ resume_max: 20 });
  const client = new Client(w);
  await w.clock.advance(2000);
  client.leave();
  const ids: string[] = [];
  for (let i = 0; i < 50; i++) {
    ids.push(write(w, { delayMs: 0 }));
    await w.clock.advance(i < 30 ? 1000 : 0);
  }
  const back = client.again();
  await w.clock.advance(2000);
  assert.deepEqual(back.seen, ids.slice(-20));
  assert.equal(back.skipped, 30);
  // All within the window still: nothing is told twice by a further connection.
  back.leave();
  const third = back.again();
  await w.clock.advance(2000);
  assert.equal(third.seen.length, 20);
  assert.equal(third.skipped, 30);
  third.leave();
  await w.tails.close();
});

test('a store that is down is told once, and nothing is lost when it is back', async () => {
  const w = world();
  const client = new Client(w);
  await w.clock.advance(1000);
  w.store.down = true;
  const ids = [write(w), write(w)];
  await w.clock.advance(30_000);
  assert.equal(client.messages.filter(({ type }) => type === 'error').length, 1);
  w.store.down = false;
  await w.clock.advance(15_000);
  assert.deepEqual(client.seen, ids);
  const last = client.messages.findLast((message) => message.type === 'state');
  assert.equal(last?.state.store, 'ok');
  client.leave();
  await w.tails.close();
});

test('a burst of 30,000 events of one millisecond is told or counted to the last', async () => {
  const w = world({ ring_events: 100_000, ring_bytes: 2 ** 30 });
  const client = new Client(w);
  await w.clock.advance(1000);
  for (let i = 0; i < 30_000; i++) write(w, { delayMs: 200 });
  await w.clock.advance(10_000);
  assert.equal(new Set(client.seen).size, client.seen.length);
  assert.equal(client.seen.length + client.skipped, 30_000);
  client.leave();
  await w.tails.close();
});

test('a cursor of another query, or a damaged one, is refused', () => {
  const handled = { edge: 1_770_000_000_000, floor: 1_769_999_995_000, before: 3, keys: ['abcdefgh'] };
  const cursor = encodeTailCursor(handled, { q: 'a' });
  assert.deepEqual(decodeTailCursor(cursor, { q: 'a' }), handled);
  assert.throws(() => decodeTailCursor(cursor, { q: 'b' }), { code: 'QUERY_INVALID' });
  assert.throws(() => decodeTailCursor(cursor, { q: 'a', stream: 'x' }), { code: 'QUERY_INVALID' });
  assert.throws(() => decodeTailCursor(cursor.replace('abcd', 'abce'), { q: 'a' }), {
    code: 'QUERY_INVALID',
  });
  assert.throws(() => decodeTailCursor('t1.', { q: 'a' }), { code: 'QUERY_INVALID' });
  // No time: made by somebody, since anybody can.
  for (const wrong of [{ edge: 2 ** 60 }, { floor: 2 ** 60 }])
    assert.throws(
      () => decodeTailCursor(encodeTailCursor({ ...handled, ...wrong }, { q: 'a' }), { q: 'a' }),
      {
        code: 'QUERY_INVALID',
      },
    );
});

/**
 * Any number of clients that come, stall, pause, lose their connection and come back, on a store that shows what is
 * written late and out of order and is down now and then. MILLRACE_TEST_SEEDS names others.
 */
for (const seed of (process.env.MILLRACE_TEST_SEEDS ?? '1,2,3,4,5,6,7,8').split(',').map(Number)) {
  test(`every viewer gets each event once, or is told that it does not: seed ${seed}`, async () => {
    const tight = seed % 2 === 0;
    const w = world(tight ? { ring_events: 20, resume_max: 30 } : {}, seed);
    const { clock } = w;
    const pick = (count: number) => Math.floor(clock.random() * count);
    const written: { id: string; tag: string; atMs: number }[] = [];
    for (let i = 0; i < 20; i++) write(w, { delayMs: pick(4_500) });
    await clock.advance(6_000);
    let clients = Array.from({ length: 6 }, (_, i) => new Client(w, { q: i % 3 === 0 ? 'tag:shop' : '' }));
    const queries = clients.map((_, i) => (i % 3 === 0 ? 'shop' : undefined));
    const absent = new Set<Client>();
    await clock.advance(2_000);
    for (let step = 0; step < 400; step++) {
      for (let i = pick(8); i > 0; i--) {
        const tag = pick(2) === 0 ? 'shop' : 'app';
        const id = write(w, { tag, delayMs: pick(4_400), stampMs: -pick(400) });
        written.push({ id, tag, atMs: clock.now() });
      }
      const index = pick(clients.length);
      const client = clients[index];
      assert.ok(client);
      const action = pick(12);
      if (action === 0 && !absent.has(client)) {
        client.leave();
        absent.add(client);
      } else if (action <= 2 && absent.has(client)) {
        absent.delete(client);
        clients = clients.with(index, client.again());
      } else if (action === 3) client.viewer.pause(true);
      else if (action === 4 || action === 5) client.viewer.pause(false);
      else if (action === 6) client.stall();
      else if (action === 7 || action === 8) client.go();
      else if (action === 9) w.store.down = pick(4) === 0;
      await clock.advance(pick(500));
    }
    w.store.down = false;
    clients = clients.map((client) => (absent.has(client) ? client.again() : client));
    for (const client of clients) {
      client.go();
      client.viewer.pause(false);
    }
    await clock.advance(40_000);
    for (const [i, client] of clients.entries()) {
      const expected = written.filter(({ tag }) => queries[i] === undefined || tag === queries[i]);
      const seen = new Set(client.seen);
      assert.equal(seen.size, client.seen.length, `client ${i} got an event twice`);
      const missing = expected.filter(({ id }) => !seen.has(id));
      const text = `client ${i}: ${missing.length} of ${expected.length} missing, ${client.skipped} told`;
      if (tight) assert.ok(missing.length <= client.skipped, text);
      else assert.deepEqual([missing.length, client.skipped], [0, 0], text);
      client.leave();
    }
    await w.tails.close();
  });
}

test('a burst just before a tail began is no part of it, also after a further connection', async () => {
  const w = world();
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 500; j++) write(w, { delayMs: 0 });
    await w.clock.advance(300);
  }
  const client = new Client(w);
  await w.clock.advance(500);
  const ids = [write(w), write(w)];
  await w.clock.advance(1000);
  client.leave();
  ids.push(write(w));
  await w.clock.advance(600);
  const back = client.again();
  await w.clock.advance(2000);
  assert.deepEqual(back.seen, ids);
  assert.equal(back.skipped, 0);
  back.leave();
  await w.tails.close();
});
