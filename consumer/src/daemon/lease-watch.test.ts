import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { consumerEvents } from '../events.ts';
import { type Lease, LeaseWatch } from './lease-watch.ts';

const lease = (shard: string, counter: number, ended = false): Lease => ({
  shard,
  counter: String(counter),
  ended,
});

/** A watch of leases that a test decides; `look` is one look at these. */
function setUp() {
  const telemetry = createTelemetry('watched', consumerEvents, createLogger('test', 'silent'));
  const events: [string, unknown][] = [];
  let leases: () => Promise<Lease[]> = () => Promise.resolve([]);
  const clock = virtualClock();
  const watch = new LeaseWatch({
    leases: () => leases(),
    failoverMs: 10_000,
    clock,
    telemetry: {
      emit: (name, fields) => events.push([name, fields?.some ?? fields?.error]),
      gauge: telemetry.gauge,
    },
  });
  return {
    events,
    clock,
    look: (...now: Lease[]) => {
      leases = () => Promise.resolve(now);
      return watch.look(new AbortController().signal);
    },
    fail: (why: string) => {
      leases = () => Promise.reject(new Error(why));
      return watch.look(new AbortController().signal);
    },
    unread: async () =>
      (await telemetry.registry.getSingleMetric('millrace_watched_shards_unread')?.get())?.values[0]?.value,
  };
}

test('shards whose lease nobody renews are told of, and when they are read again', async () => {
  const { look, events, unread } = setUp();
  for (let i = 0; i < 3; i++) await look(lease('a', i), lease('b', 7), lease('c', 7));
  assert.deepEqual([events, await unread()], [[], 0]);
  for (let i = 3; i < 6; i++) await look(lease('a', i), lease('b', 7), lease('c', 7));
  assert.deepEqual(events, [['shards_unread', ['b', 'c']]]);
  assert.equal(await unread(), 2);
  await look(lease('a', 6), lease('b', 8), lease('c', 7));
  assert.equal(await unread(), 1);
  for (let i = 7; i < 10; i++) await look(lease('a', 6), lease('b', i), lease('c', 7));
  await look(lease('a', 6), lease('b', 10), lease('c', 8));
  assert.deepEqual([events.at(-1), await unread()], [['shards_unread', ['a']], 1]);
  await look(lease('a', 7), lease('b', 11), lease('c', 9));
  assert.deepEqual([events.at(-1), await unread()], [['shards_read', undefined], 0]);
});

test('while nobody reads a shard, each minute says so again', async () => {
  const { look, events, clock } = setUp();
  for (let i = 0; i < 13; i++) {
    await look(lease('a', i), lease('b', 7), lease('c', 7));
    await clock.advance(20_000);
  }
  // Looks of 0 to 240 s; from 60 s on they are unread.
  assert.deepEqual(
    events,
    Array.from({ length: 4 }, () => ['shards_unread', ['b', 'c']]),
  );
});

test('ended shards, and those whose lease is gone, are nobody to read', async () => {
  const { look, events } = setUp();
  for (let i = 0; i < 9; i++) await look(lease('ended', 7, true), lease('alive', i));
  for (let i = 0; i < 3; i++) await look(lease('removed', 7));
  await look();
  for (let i = 0; i < 3; i++) await look(lease('removed', 7));
  assert.deepEqual(events, []);
});

test('a table that cannot be read is told of once, and counts as no look', async () => {
  const { look, fail, events, unread } = setUp();
  for (let i = 0; i < 3; i++) await look(lease('a', 7));
  for (let i = 0; i < 5; i++) await fail('throttled');
  assert.deepEqual([events, await unread()], [[['leases_unseen', 'throttled']], 0]);
  await look(lease('a', 8));
  await fail('away');
  assert.deepEqual(events.at(-1), ['leases_unseen', 'away']);
});
