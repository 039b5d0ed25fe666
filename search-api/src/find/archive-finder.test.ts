import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { putObject, testBlock } from '@millrace/archive/testing/objects.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { eventTie } from '@millrace/core/store/action.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { type Access, unlimitedAccess } from '../access/access.ts';
import { ArchiveSearchConfigSchema } from '../archive/config.ts';
import { archiveDesk } from '../archive/desk.ts';
import { plan } from '../plan.ts';
import { createFakeStore, type FakeDocument } from '../testing/fake-store.ts';
import type { FindRequest } from './finder.ts';

const json = '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}';
const nowMs = Date.UTC(2026, 1, 10);

/** A block of three events of one day. */
function dayBlock(day: number, life: number): Buffer {
  const text = [1, 2, 3]
    .map((hour) => `${JSON.stringify({ time: `2026-02-0${day}T0${hour}:00:00Z`, message: `tick ${day}` })}\n`)
    .join('');
  return testBlock([{ life, from: 0, text, capturedMs: Date.UTC(2026, 1, day, 4) }], { rule: json });
}

/** As the store would return them. */
function documentsOf(bytes: Buffer): FakeDocument[] {
  const documents: FakeDocument[] = [];
  const block = decodeBlock(bytes);
  createRenderer().renderBlock(block, blockRecords(block), ({ id, source: text }) => {
    const source = JSON.parse(text);
    const { log, event } = source;
    source.event.tie = eventTie(id);
    documents.push({
      id,
      source,
      sort: [source['@timestamp'], log.file.path, event.generation, log.offset, eventTie(id)],
    });
  });
  return documents;
}

/** Days 1 to 4 in the archive, an object each; the store has some of them. */
function world({ hot = [] as number[], horizon = '', marked = [1, 2, 3, 4] } = {}) {
  const objects = fakeObjectStore();
  const blocks = new Map([1, 2, 3, 4].map((day) => [day, dayBlock(day, day)]));
  const keys = new Map(
    [...blocks].map(([day, bytes]) => [
      putObject(objects, [bytes], { told: true, arrivedMs: Date.UTC(2026, 1, day, 4) }),
      day,
    ]),
  );
  const store = createFakeStore(hot.flatMap((day) => documentsOf(blocks.get(day) ?? Buffer.alloc(0))));
  store.horizons = async () => new Map(horizon === '' ? [] : [['logs', horizon]]);
  store.marked = async (asked) => new Set(asked.filter((key) => marked.includes(keys.get(key) ?? 0)));
  const failures: unknown[] = [];
  const raws: string[] = [];
  const desk = archiveDesk({
    config: validateConfig(ArchiveSearchConfigSchema, { workers: 1 }, 'test'),
    objects,
    prefix: '',
    store,
    clock: { ...systemClock, now: () => nowMs },
    onFailure: (error) => failures.push(error),
  });
  const ask = async (more: Partial<FindRequest> = {}) => {
    const found = desk.find(
      {
        plan: plan({ q: '', from: '2026-02-01', to: '2026-02-09' }, nowMs, unlimitedAccess('test')),
        source: 'auto',
        order: 'desc',
        limit: 100,
        highlight: false,
        ...more,
      },
      new AbortController().signal,
    );
    const hits: string[] = [];
    raws.length = 0;
    for (;;) {
      const next = await found.next();
      if (next.done === true) return { hits, partial: next.value.partial.map(({ code }) => code) };
      hits.push(String(next.value.source['@timestamp']).slice(8, 13));
      if (next.value.raw !== undefined) raws.push(Buffer.from(next.value.raw).toString());
    }
  };
  const reads = () => objects.calls.filter((call) => call === 'read').length;
  return { ask, store, objects, desk, reads, failures, raws };
}

const daysDown = (...days: number[]) => days.flatMap((day) => [3, 2, 1].map((hour) => `0${day}T0${hour}`));

test('days before the hot horizon come from the archive, the others from the store, each event once', async (t) => {
  const { ask, desk } = world({ hot: [2, 3, 4], horizon: '2026.02.03' });
  t.after(() => desk.close());
  assert.deepEqual(await ask(), { hits: daysDown(4, 3, 2, 1), partial: [] });
  const asc = await ask({ order: 'asc', limit: 7 });
  assert.deepEqual(asc.hits, daysDown(4, 3, 2, 1).reverse().slice(0, 7));
});

test('an object without a mark is searched, one with a mark is not read', async (t) => {
  const { ask, desk, reads } = world({ hot: [1, 2, 4], marked: [1, 2, 4] });
  t.after(() => desk.close());
  assert.deepEqual(await ask(), { hits: daysDown(4, 3, 2, 1), partial: [] });
  // Its footer for what is known of the store, and its block.
  assert.equal(reads(), 2);
});

test('a page that the store fills reads nothing of the archive', async (t) => {
  const { ask, desk, reads } = world({ hot: [3, 4], horizon: '2026.02.03' });
  t.after(() => desk.close());
  assert.deepEqual((await ask({ limit: 5 })).hits, daysDown(4, 3).slice(0, 5));
  assert.equal(reads(), 0);
});

test('where the store has everything, a search asks the archive for nothing, and knows so beforehand', async (t) => {
  const { ask, desk, objects } = world({ hot: [1, 2, 3, 4] });
  t.after(() => desk.close());
  await ask();
  const calls = objects.calls.length;
  assert.deepEqual(await ask(), { hits: daysDown(4, 3, 2, 1), partial: [] });
  assert.equal(objects.calls.length, calls);
  assert.equal(
    await desk.beside(plan({ q: '', from: '*', to: '*' }, nowMs, unlimitedAccess('test'))),
    undefined,
  );
});

test('beside the store, only what it lacks is found: a replayed event is not counted twice', async (t) => {
  const { desk, store } = world({ hot: [1, 3, 4], horizon: '2026.02.03' });
  t.after(() => desk.close());
  const planned = plan({ q: '', from: '2026-02-01', to: '2026-02-09' }, nowMs, unlimitedAccess('test'));
  const all = store.search;
  store.search = async (asked, signal) => {
    const { filter } = asked.query.bool as { filter: [{ ids: { values: string[] } }, object] };
    assert.equal(filter[1], planned.query, 'what the store does not count is not left out');
    const answer = await all({ ...asked, size: 100 }, signal);
    return { ...answer, hits: answer.hits.filter(({ id }) => filter[0].ids.values.includes(id)) };
  };
  const beside = await desk.beside(planned);
  const request: FindRequest = { plan: planned, source: 'auto', order: 'desc', limit: 100, highlight: false };
  const times: string[] = [];
  for await (const hit of beside?.(request, new AbortController().signal) ?? [])
    times.push(String(hit.source['@timestamp']).slice(8, 13));
  assert.deepEqual(times, daysDown(2));
});

test('beside the store, an event that the store has twice is left out too', async (t) => {
  const { desk, store } = world({ horizon: '2026.02.03' });
  t.after(() => desk.close());
  const copies = documentsOf(dayBlock(1, 1)).flatMap((one) => [one, one]);
  store.search = async ({ size }) => ({
    hits: copies.slice(0, size).map((one) => ({ ...one, index: 'replayed' })),
    total: { value: copies.length, relation: 'eq' },
    tookMs: 0,
  });
  const planned = plan({ q: '', from: '2026-02-01', to: '2026-02-01' }, nowMs, unlimitedAccess('test'));
  const beside = await desk.beside(planned);
  const request: FindRequest = { plan: planned, source: 'auto', order: 'desc', limit: 100, highlight: false };
  for await (const hit of beside?.(request, new AbortController().signal) ?? []) assert.fail(hit.id);
});

test('while the store is down the archive answers alone, and says so', async (t) => {
  const { ask, desk, store } = world({ hot: [3, 4], horizon: '2026.02.03' });
  t.after(() => desk.close());
  store.before = async () => {
    throw new MillraceError('STORE_UNAVAILABLE', 'down');
  };
  assert.deepEqual(await ask(), { hits: daysDown(4, 3, 2, 1), partial: ['store_unavailable'] });
});

test('while the store is down, what is known to lack a mark is looked up beside it all the same', async (t) => {
  const { ask, desk, store } = world({ hot: [1, 2, 4], marked: [1, 2, 4] });
  t.after(() => desk.close());
  await ask();
  const down = async () => {
    throw new MillraceError('STORE_UNAVAILABLE', 'down');
  };
  store.before = down;
  store.marked = down;
  const planned = plan({ q: '', from: '2026-02-01', to: '2026-02-09' }, nowMs, unlimitedAccess('test'));
  assert.ok((await desk.beside(planned)) !== undefined);
  assert.deepEqual(await ask(), { hits: daysDown(4, 3, 2, 1), partial: ['store_unavailable'] });
});

test('what the store lacks cannot be told: its hits come, and that they may not be all', async (t) => {
  const { ask, desk, objects, failures } = world({ hot: [4] });
  t.after(() => desk.close());
  objects.fate = () => 'fails';
  assert.deepEqual(await ask(), { hits: daysDown(4), partial: ['archive_unreadable'] });
  assert.ok(failures.length <= 1);
});

test('the archive alone is searched when it is asked for', async (t) => {
  const { ask, desk, store } = world({ hot: [4] });
  t.after(() => desk.close());
  assert.deepEqual((await ask({ source: 'archive' })).hits, daysDown(4, 3, 2, 1));
  assert.equal(store.searches.length, 0);
});

test('asked for bytes, the archive is looked at for what the store has too, and the store for what is not archived yet', async (t) => {
  const { ask, desk, objects, raws } = world({ hot: [2, 3, 4] });
  t.after(() => desk.close());
  assert.deepEqual(await ask({ raw: true }), { hits: daysDown(4, 3, 2, 1), partial: [] });
  assert.equal(raws.length, 12);
  assert.match(raws[0] ?? '', /^\{"time":"2026-02-04T03:00:00Z","message":"tick 4"\}\n$/);
  for (const key of [...objects.objects.keys()].slice(3)) objects.objects.delete(key);
  assert.deepEqual((await ask({ raw: true })).hits, daysDown(4, 3, 2, 1));
  assert.equal(raws.length, 9);
});

test('of streams that are not asked for, or not for the asker, not even unreadable objects are told', async (t) => {
  const { desk, objects } = world({ hot: [1, 2, 3, 4] });
  t.after(() => desk.close());
  const other = testBlock([{ life: 9, from: 0, text: 'x\n' }], { stream: 'secret' });
  const key = putObject(objects, [other], { arrivedMs: Date.UTC(2026, 1, 4, 4) });
  objects.objects.set(key, { bytes: Buffer.from('damaged'), modifiedMs: Date.UTC(2026, 1, 4, 4) });
  const told = async (access: Access, stream: object, source: 'auto' | 'archive') => {
    const what = { q: '', from: '2026-02-01', to: '2026-02-09', ...stream };
    const request = {
      plan: plan(what, nowMs, access),
      source,
      order: 'desc',
      limit: 100,
      highlight: false,
    } as const;
    const found = desk.find(request, new AbortController().signal);
    for (;;) {
      const next = await found.next();
      if (next.done === true) return next.value.partial.map(({ message }) => message).join();
    }
  };
  const all = unlimitedAccess('test');
  for (const source of ['auto', 'archive'] as const) {
    assert.match(await told(all, {}, source), /secret/);
    assert.equal(await told({ ...all, streams: ['log*'] }, {}, source), '');
    assert.equal(await told(all, { stream: 'logs' }, source), '');
  }
});
