import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createFakeStore } from '../testing/fake-store.ts';
import { Points } from './points.ts';

const indices = ['millrace-app-*'];
const { signal } = new AbortController();

function pointsOf(max: number) {
  const store = createFakeStore([]);
  const time = { ms: 0 };
  const clock = { ...systemClock, monotonic: () => time.ms };
  return { store, time, points: new Points({ store, clock, max, keepMs: 1000 }) };
}

test('of more points than may be open, the one that was not used for longest is closed', async () => {
  const { points, store } = pointsOf(2);
  const a = await points.make(indices, signal);
  const b = await points.make(indices, signal);
  assert.ok(a && b && points.find(a.token, indices));
  const c = await points.make(indices, signal);
  assert.deepEqual(new Set(store.points.keys()), new Set([a.name, c?.name]));
  assert.equal(points.find(b.token, indices), undefined);
  assert.ok(points.find(a.token, indices));
});

test('many who ask at a time stay within the bound', async () => {
  const { points, store } = pointsOf(3);
  const gate = Promise.withResolvers<void>();
  store.before = () => gate.promise;
  const asked = Array.from({ length: 10 }, () => points.make(indices, signal));
  gate.resolve();
  const made = (await Promise.all(asked)).filter((point) => point !== undefined);
  assert.deepEqual([made.length, store.points.size, points.size], [3, 3, 3]);
});

test('a point is found for its own indices, until nobody used it for too long, and under its newest name', async () => {
  const { points, time } = pointsOf(2);
  const point = await points.make(indices, signal);
  assert.ok(point);
  assert.equal(points.find(point.token, ['millrace-*']), undefined);
  assert.equal(points.find('another', indices), undefined);
  points.renamed(point.token, 'newer');
  time.ms = 999;
  assert.equal(points.find(point.token, indices)?.name, 'newer');
  time.ms = 1998;
  assert.ok(points.find(point.token, indices));
  time.ms = 2998;
  assert.equal(points.find(point.token, indices), undefined);
});

test('points are closed with the server', async () => {
  const { points, store } = pointsOf(5);
  await points.make(indices, signal);
  await points.make(indices, signal);
  await points.close();
  assert.deepEqual([store.points.size, points.size], [0, 0]);
});
