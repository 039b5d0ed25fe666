import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, VirtualTime } from '../testing/virtual-clock.ts';
import { HostNames } from './host-names.ts';

function open(lookup: (address: string) => Promise<string[]>) {
  const time = new VirtualTime(0, () => 0.5);
  const asked: string[] = [];
  const names = new HostNames(new VirtualClock(time), (address) => {
    asked.push(address);
    return lookup(address);
  });
  return { time, names, asked };
}

test('a name is asked for once, and again when it is old', async () => {
  const { time, names, asked } = open(async (address) => [`host-${address}`, 'other']);
  assert.equal(await names.nameOf('10.0.0.1'), 'host-10.0.0.1');
  assert.equal(await names.nameOf('10.0.0.1'), 'host-10.0.0.1');
  assert.equal(asked.length, 1);
  await time.advance(600_001);
  await names.nameOf('10.0.0.1');
  assert.equal(asked.length, 2);
});

test('an address without a name, or whose name does not come in time, stands for itself', async () => {
  const { names } = open(() => Promise.reject(new Error('ENOTFOUND')));
  assert.equal(await names.nameOf('10.0.0.2'), '10.0.0.2');
  const slow = open(() => new Promise(() => {}));
  const name = slow.names.nameOf('10.0.0.3');
  await slow.time.advance(5_001);
  assert.equal(await name, '10.0.0.3');
});

test('a flood of addresses does not become a flood of lookups', async () => {
  const { names, asked, time } = open(() => new Promise(() => {}));
  const found = Array.from({ length: 1_000 }, (_, i) => names.nameOf(`10.1.${i >> 8}.${i & 255}`));
  assert.equal(asked.length, 100);
  assert.equal(await found.at(-1), '10.1.3.231');
  await time.advance(5_001);
  await Promise.all(found);
  void names.nameOf('10.2.0.1');
  assert.equal(asked.length, 101);
});
