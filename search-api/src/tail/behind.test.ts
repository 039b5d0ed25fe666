import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchRequest } from '@millrace/core/store/port.ts';
import { Client, type WatchedWorld, watchedWorld, write } from '../testing/watched-world.ts';

/** A store whose pages take so long each, and which refuses a second count as often as told. */
function slowWorld(pageMs: (page: number) => number = () => 400): {
  w: WatchedWorld;
  refusals: { left: number };
} {
  const w = watchedWorld({ ring_events: 100_000, ring_bytes: 2 ** 30 });
  const { search } = w.store;
  const refusals = { left: 0 };
  let page = 0;
  w.store.search = async (request: SearchRequest, signal) => {
    page = request.after === undefined ? 0 : page + 1;
    if (request.size === 500) await w.clock.sleep(pageMs(page), signal);
    if (request.size === 0 && w.store.searches.at(-1)?.size === 0 && refusals.left-- > 0) {
      w.store.searches.push(request);
      throw new Error('no count');
    }
    return search(request, signal);
  };
  return { w, refusals };
}

const skipsOf = ({ messages }: Client) => messages.filter((message) => message.type === 'skipped');

test('what is left out since more comes than can be read is counted to the last', async () => {
  const { w } = slowWorld();
  const client = new Client(w);
  await w.clock.advance(2_000);
  for (let i = 0; i < 24_000; i++) write(w, { delayMs: 0 });
  await w.clock.advance(30_000);
  assert.equal(new Set(client.seen).size, client.seen.length);
  assert.equal(client.seen.length + client.skipped, 24_000);
  const [skip, ...more] = skipsOf(client);
  assert.deepEqual([skip?.skip.reason, more.length], ['behind', 0]);
  assert.ok((skip?.skip.fromMs ?? 0) < (skip?.skip.toMs ?? 0));
  const after = write(w, { delayMs: 0 });
  await w.clock.advance(3_000);
  assert.equal(client.seen.at(-1), after);
  client.leave();
  await w.tails.close();
});

test('what came to be seen behind the place that was read is counted as well', async () => {
  const { w } = slowWorld((page) => (page < 22 ? 1 : 800));
  const client = new Client(w);
  await w.clock.advance(2_000);
  for (let i = 0; i < 11_000; i++) write(w, { stampMs: -2_000, delayMs: 0 });
  write(w, { stampMs: -1_500, delayMs: 2_500 });
  for (let i = 0; i < 13_000; i++) write(w, { stampMs: -1_000, delayMs: 0 });
  await w.clock.advance(40_000);
  assert.ok(client.skipped > 1);
  assert.equal(client.seen.length + client.skipped, 24_001);
  client.leave();
  await w.tails.close();
});

test('a count that fails is made again, and nobody is told twice of what is left out', async () => {
  const { w, refusals } = slowWorld();
  const clients = [new Client(w), new Client(w, { q: 'tag:app' })];
  await w.clock.advance(2_000);
  for (let i = 0; i < 24_000; i++) write(w, { delayMs: 0 });
  refusals.left = 1;
  await w.clock.advance(40_000);
  assert.ok(refusals.left < 1, 'a count failed');
  for (const { seen, skipped } of clients) assert.equal(seen.length + skipped, 24_000);
  for (const client of clients) client.leave();
  await w.tails.close();
});

test('who comes while a feed is behind is not told of what was there before', async () => {
  const { w } = slowWorld();
  const first = new Client(w);
  await w.clock.advance(2_000);
  for (let i = 0; i < 24_000; i++) write(w, { delayMs: 0 });
  await w.clock.advance(8_000);
  const late = new Client(w, { q: 'tag:app' });
  await w.clock.advance(30_000);
  const news = write(w, { delayMs: 0 });
  await w.clock.advance(5_000);
  assert.ok(first.skipped > 0);
  assert.deepEqual([late.seen, late.skipped], [[news], 0]);
  for (const client of [first, late]) client.leave();
  await w.tails.close();
});
