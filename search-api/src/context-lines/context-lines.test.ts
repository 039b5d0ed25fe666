import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventId } from '@millrace/core/ids/event-id.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { matcherOf } from '@millrace/core/query/match.ts';
import { compareHits, hitOrder } from '@millrace/core/store/hit-order.ts';
import type { SearchHit, Store } from '@millrace/core/store/port.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';
import { unlimitedAccess } from '../access/access.ts';
import type { Finder } from '../find/finder.ts';
import { plan } from '../plan.ts';
import { contextLines, eventOf } from './context-lines.ts';
import { byPlace, eventOrder, mintedMs, placeOfId } from './place.ts';
import { Reading } from './reading.ts';

const time = '2026-11-22T10:00:00.000Z';
const startMs = Date.parse('2026-11-22T09:00:00Z');

/** A generation that was first seen so many seconds after the start. Its text does not sort as its bytes do. */
function generationAt(seconds: number, version = 7): Buffer {
  const bytes = Buffer.alloc(16, 0xa5);
  bytes.writeUIntBE(startMs + seconds * 1000, 0, 6);
  bytes[6] = version << 4;
  return bytes;
}

function line(generation: Buffer, offset: number, more: { path?: string; at?: string; crc?: number } = {}) {
  const { path = '/var/log/a.log', at = time, crc = offset } = more;
  const hit: SearchHit = {
    id: eventId(generation, offset, crc),
    index: 'millrace-logs-2026.11.22',
    source: {
      '@timestamp': at,
      message: `${offset}`,
      stream: 'logs',
      host: { name: 'web-1' },
      log: { file: { path }, offset },
      event: { generation: generationText(generation), tie: crc },
    },
    sort: [],
  };
  return { ...hit, sort: eventOrder(hit) };
}

/** Readers of what is in the store, and of what is in the archive only. */
function reading(hot: SearchHit[], cold: SearchHit[] = []): Reading {
  const find = (hits: SearchHit[]): Finder =>
    async function* (request) {
      const matches = matcherOf(request.plan.query);
      const found = hits
        .filter(({ id, source }) => matches(id, source))
        .sort((a, b) => compareHits(hitOrder(a.sort), hitOrder(b.sort), request.order));
      yield* found.slice(0, request.limit);
      return { partial: [] };
    };
  const store: Store = {
    ...unusedStore(),
    async search({ query, size, order }) {
      const matches = matcherOf(query);
      const found = hot.filter(({ id, source }) => matches(id, source)).sort(byPlace);
      const hits = (order === 'asc' ? found : found.reverse()).slice(0, size);
      return { tookMs: 1, total: { value: hits.length, relation: 'eq' }, hits };
    },
  };
  return new Reading({
    store,
    finder: find([...hot, ...cold]),
    beside: async () => (cold.length === 0 ? undefined : find(cold)),
    plan: plan({ q: '', from: '*', to: '*' }, startMs, unlimitedAccess('test')),
    signal: new AbortController().signal,
  });
}

const ids = (hits: SearchHit[]) => hits.map(({ id }) => id);

test('an id says where its event stands; what is no id says nothing', () => {
  const generation = generationAt(0);
  assert.deepEqual(placeOfId(eventId(generation, 77, 1)), {
    generation: generationText(generation),
    offset: 77,
  });
  for (const bad of ['', 'x', 'x'.repeat(36), `${'A'.repeat(34)}=`, 'A'.repeat(34).padEnd(35, 'B')])
    assert.equal(placeOfId(bad), undefined, bad);
  assert.equal(mintedMs(generationText(generation)), startMs);
  assert.equal(mintedMs(generationText(generationAt(0, 8))), undefined);
});

test('lines of the store and of the archive are one file, whatever their times, each once', async () => {
  const generation = generationAt(0);
  const at = (i: number) => `2026-11-22T10:00:${String((i * 37) % 60).padStart(2, '0')}.000Z`;
  const lines = Array.from({ length: 60 }, (_, i) => line(generation, i * 10, { at: at(i) }));
  const hot = lines.filter((_, i) => i % 3 !== 0);
  const cold = lines.filter((_, i) => i % 3 === 0 || i % 5 === 0);
  for (const [i, { id }] of lines.entries()) {
    const read = reading(hot, cold);
    const event = await eventOf(read, id);
    assert.ok(event);
    const found = await contextLines(read, event, 7, 9);
    assert.deepEqual(ids(found.hits), ids(lines.slice(Math.max(0, i - 7), i + 10)));
    assert.deepEqual([found.index, found.startReached, found.endReached], [Math.min(7, i), i <= 7, i >= 50]);
  }
});

test('a context goes on in the file before and after, by when they were first seen where times are equal', async () => {
  const lives = Array.from({ length: 5 }, (_, life) =>
    Array.from({ length: 4 }, (_, i) => line(generationAt(life * 7 - 3), i * 10)),
  );
  const others = [line(generationAt(1), 0, { path: '/var/log/b.log' }), line(generationAt(2, 8), 0)];
  const all = lives.flat();
  const read = reading([...all, ...others].reverse());
  const event = all[9];
  assert.ok(event);
  const found = await contextLines(read, event, 7, 7);
  assert.deepEqual(ids(found.hits), ids(all.slice(2, 17)));
  assert.deepEqual([found.startReached, found.endReached], [false, false]);
  const whole = await contextLines(read, event, 100, 100);
  assert.deepEqual(ids(whole.hits), ids(all));
  assert.deepEqual([whole.startReached, whole.endReached], [true, true]);
});

test('a context that ends since it went through many files does not say that there is nothing further', async () => {
  const lives = Array.from({ length: 45 }, (_, life) => line(generationAt(life), 0));
  const event = lives[22];
  assert.ok(event);
  const found = await contextLines(reading(lives), event, 100, 100);
  assert.deepEqual([found.startReached, found.endReached], [false, false]);
  const [first] = found.hits;
  const last = found.hits.at(-1);
  assert.ok(first !== undefined && last !== undefined);
  assert.deepEqual(ids(found.hits), ids(lives.slice(lives.indexOf(first), lives.indexOf(last) + 1)));
  const further = await contextLines(reading(lives), first, 100, 0);
  assert.deepEqual([ids(further.hits), further.startReached], [ids(lives.slice(0, further.index + 1)), true]);
});

test('records of one offset stand next to each other, and none is left out', async () => {
  const generation = generationAt(0);
  const lines = [0, 10, 10, 10, 20].map((offset, i) => line(generation, offset, { crc: i }));
  const event = lines[2];
  assert.ok(event);
  const found = await contextLines(reading(lines), event, 5, 5);
  assert.deepEqual(ids(found.hits), ids(lines));
  assert.equal(found.index, 2);
});

test('the lines of who is no file are those of its record', async () => {
  const lines = [line(generationAt(0, 8), 0), line(generationAt(1, 8), 0)];
  const [event] = lines;
  assert.ok(event);
  const found = await contextLines(reading(lines), event, 5, 5);
  assert.deepEqual([found.hits.length, found.startReached, found.endReached], [1, true, true]);
});
