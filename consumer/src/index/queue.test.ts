import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Group } from './group.ts';
import { type Entry, EntryQueue } from './queue.ts';

test('a queue gives entries in order within bounds, and always knows its bytes and length', () => {
  const queue = new EntryQueue();
  for (let n = 1; n <= 100; n++) queue.push(entry(n, group()));
  assert.deepEqual([queue.length, queue.bytes], [100, 5050]);
  const batch: Entry[] = [];
  assert.equal(queue.fill(batch, 0, 10, 100), 10);
  assert.deepEqual(
    batch.map((item) => item.bytes),
    [1, 2, 3, 4],
  );
  assert.equal(queue.fill(batch, 10, 1000, 6), 21);
  assert.deepEqual([batch.length, queue.length, queue.bytes], [6, 94, 5029]);
  const large: Entry[] = [];
  assert.equal(queue.fill(large, 0, 1, 100), 7);
  for (let taken = 93; taken > 0; taken--) queue.fill([], 0, 1, 100);
  assert.deepEqual([queue.length, queue.bytes], [0, 0]);
});

test('a queue is swept of the entries of closed groups', () => {
  const queue = new EntryQueue();
  const [left, kept] = [group(), group()];
  for (let n = 1; n <= 10; n++) queue.push(entry(n, n % 2 === 0 ? kept : left));
  queue.fill([], 0, 1, 1);
  left.abandon();
  assert.deepEqual(
    queue.sweep().map((item) => item.bytes),
    [3, 5, 7, 9],
  );
  assert.deepEqual([queue.length, queue.bytes], [5, 30]);
});

function group(): Group {
  return new Group(0, () => {});
}

function entry(bytes: number, of: Group): Entry {
  const document = { index: 'i', id: String(bytes), source: '{}' };
  return { document, group: of, block: undefined, bytes, deferred: 0, reason: undefined };
}
