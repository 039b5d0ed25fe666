import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, type WatchedWorld, watchedWorld, write } from '../testing/watched-world.ts';
import { ToldEvents } from './told-events.ts';

/** An event a second. */
async function traffic(w: WatchedWorld, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    write(w, { tag: i % 2 === 0 ? 'app' : 'shop' });
    await w.clock.advance(1_000);
  }
}

test('what comes to be seen later than the window is counted, by who was there and is for it', async () => {
  const w = watchedWorld();
  const all = new Client(w);
  const shop = new Client(w, { q: 'tag:shop' });
  const idle = new Client(w, { q: 'tag:nobody' });
  await traffic(w, 120);
  for (let i = 0; i < 3; i++) write(w, { delayMs: 8_000 });
  write(w, { delayMs: 30_000, tag: 'shop' });
  await traffic(w, 20);
  const later = new Client(w);
  await traffic(w, 180);
  const late = ({ messages }: Client) =>
    messages.flatMap((message) => (message.type === 'skipped' ? [message.skip] : []));
  for (const [client, count] of [
    [all, 4],
    [shop, 1],
  ] as const) {
    const [skip, ...more] = late(client);
    assert.deepEqual([skip?.count, skip?.reason, more.length], [count, 'late', 0]);
    assert.equal((skip?.toMs ?? 0) - (skip?.fromMs ?? 0), 60_000);
  }
  assert.equal(all.seen.length + all.skipped, 324);
  assert.deepEqual([late(idle), late(later)], [[], []]);
  for (const client of [all, shop, idle, later]) client.leave();
  await w.tails.close();
});

test('the looks back cost one count a minute, also after a long silence', async () => {
  const w = watchedWorld();
  const client = new Client(w);
  await traffic(w, 10);
  await w.clock.advance(3_600_000);
  w.store.searches.length = 0;
  await traffic(w, 300);
  const counts = w.store.searches.filter(({ size }) => size === 0);
  assert.ok(counts.length >= 4 && counts.length <= 6, `${counts.length} counts`);
  assert.equal(client.skipped, 0);
  client.leave();
  await w.tails.close();
});

test('minutes that were begun before, or left out, are compared with nothing', () => {
  const minute = 60_000;
  const told = new ToldEvents(10.5 * minute);
  for (const at of [11, 12, 12.9, 13, 14.5, 1e9]) told.add(at * minute);
  assert.equal(told.take(13.9 * minute), undefined);
  assert.deepEqual(told.take(14 * minute), { fromMs: 12 * minute, toMs: 13 * minute, count: 2 });
  told.leaveOut(13.5 * minute);
  assert.equal(told.take(15 * minute), undefined);
  assert.deepEqual(told.take(17 * minute), { fromMs: 14 * minute, toMs: 16 * minute, count: 1 });
});
