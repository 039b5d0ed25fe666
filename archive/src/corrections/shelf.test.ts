import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeObjectStore } from '../testing/fake-object-store.ts';
import type { Correction } from './correction.ts';
import { CorrectionShelf } from './shelf.ts';

const drop: Omit<Correction, 'number' | 'v'> = {
  stream: 'logs',
  madeMs: 1,
  reason: 'test',
  select: { tags: [], hosts: [], files: [] },
  action: { drop: true },
  objects: ['k'],
  sources: [],
};

test('a correction that no reader would take is not written', async () => {
  const objects = fakeObjectStore();
  const shelf = new CorrectionShelf(objects, '');
  const select = { ...drop.select, files: ['x'.repeat(5_000)] };
  await assert.rejects(shelf.add({ ...drop, select }), { code: 'CONFIG_INVALID', message: /files/ });
  assert.equal(objects.objects.size, 0);
  assert.deepEqual(await shelf.list('logs'), []);
});

test('of thousands of corrections the newest is not passed over', async () => {
  const objects = fakeObjectStore();
  const notes = Array.from(
    { length: 5_200 },
    (_, i) => `rules/logs/${String(i + 1).padStart(10, '0')}.applied`,
  );
  for (const key of notes) objects.objects.set(key, { bytes: Buffer.from('{}'), modifiedMs: 1 });
  const shelf = new CorrectionShelf(objects, '');
  const { number } = await shelf.add(drop);
  assert.equal(number, 5_201);
  assert.equal((await shelf.list('logs')).length, 1);
  assert.equal((await shelf.load('logs')).version, '5201');
});
