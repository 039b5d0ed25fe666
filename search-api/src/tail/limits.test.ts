import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedAccess } from '../access/access.ts';
import { Client, watchedWorld, write } from '../testing/watched-world.ts';

const shop = { ...unlimitedAccess('key:shop'), tags: ['shop', 'shop.*'] };

test('who has limits is shown nothing else, beside who has none: live, after a pause and a new connection', async () => {
  const w = watchedWorld();
  const all = new Client(w);
  const limited = new Client(w, { access: shop });
  await w.clock.advance(1_000);
  const expected: string[] = [];
  let written = 0;
  const some = () => {
    for (const tag of ['app', 'shop', 'shopping', 'shop.cart']) {
      const id = write(w, { tag });
      written++;
      if (/^shop(\.|$)/.test(tag)) expected.push(id);
    }
  };
  some();
  await w.clock.advance(3_000);
  limited.viewer.pause(true);
  await w.clock.advance(500);
  some();
  await w.clock.advance(3_000);
  limited.viewer.pause(false);
  await w.clock.advance(3_000);
  limited.leave();
  some();
  await w.clock.advance(8_000);
  const again = limited.again();
  await w.clock.advance(1_000);
  some();
  await w.clock.advance(3_000);
  assert.deepEqual(again.seen, expected);
  assert.equal(again.skipped, 0);
  assert.equal(all.seen.length, written);
  for (const client of [all, again]) client.leave();
  await w.tails.close();
});

test('who has limits is told of their own events only when some are left out', async () => {
  const w = watchedWorld({ resume_max: 5, ring_events: 10 });
  const limited = new Client(w, { access: shop });
  await w.clock.advance(1_000);
  const both = (count: number) => {
    for (let i = 0; i < count; i++) for (const tag of ['app', 'app', 'shop']) write(w, { tag });
  };
  limited.stall();
  both(50);
  await w.clock.advance(2_000);
  limited.go();
  await w.clock.advance(2_000);
  assert.equal(limited.seen.length + limited.skipped, 50);
  limited.leave();
  both(30);
  await w.clock.advance(8_000);
  const again = limited.again();
  await w.clock.advance(2_000);
  assert.equal(again.seen.length + again.skipped, 80);
  again.leave();
  await w.tails.close();
});

test('the cursor of who sees all shows who has limits nothing of it', async () => {
  const w = watchedWorld();
  const all = new Client(w);
  await w.clock.advance(1_000);
  write(w, { tag: 'app' });
  await w.clock.advance(2_000);
  all.leave();
  write(w, { tag: 'app' });
  const own = write(w, { tag: 'shop' });
  await w.clock.advance(8_000);
  const limited = new Client(w, { access: shop, from: all.place() });
  await w.clock.advance(2_000);
  assert.deepEqual(limited.seen, [own]);
  limited.leave();
  await w.tails.close();
});
