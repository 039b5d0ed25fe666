import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('one at a time works, in the order of asking, and nobody comes in between', async () => {
  const turns = new Turns();
  const order: number[] = [];
  let working = 0;
  const work = async (i: number) => {
    const end = await turns.take();
    assert.equal(++working, 1);
    order.push(i);
    await new Promise((resolve) => setImmediate(resolve));
    working--;
    end();
    end();
    if (i < 5) await work(i + 10);
  };
  await Promise.all(Array.from({ length: 6 }, (_, i) => work(i)));
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14]);
});
