import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import type { ConformanceBench } from './conformance.ts';
import { isPointGone } from './failure.ts';
import type { Dsl, SortValues } from './port.ts';

/** Points in time, the order of arrival, parts of a source, and the bound on time. */
export function pointsConformance(bench: ConformanceBench): void {
  inPoints(bench);
  arrivalsAndMembers(bench);
}

function inPoints({ create, document, search, store, stream }: ConformanceBench): void {
  const indices = [`millrace-${stream}_p-*`];
  const query: Dsl = { term: { tag: 'point' } };
  const event = (offset: number, fields: Record<string, unknown> = {}) => ({
    ...document(offset, { message: `point ${offset}`, tag: 'point', ...fields }),
    index: `millrace-${stream}_p-2026.11.${offset % 2 === 0 ? '21' : '22'}`,
  });
  before(async () => {
    const events = [0, 10, 20, 30, 40, 50, 61, 71].map((offset) => event(offset));
    for (const result of await create(events)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  it('pages within a point in time as without, and does not see what is indexed later', async () => {
    const first = await search(query, { indices, size: 3 });
    // Cursors travel as JSON.
    let after = JSON.parse(JSON.stringify(first.hits.at(-1)?.sort)) as SortValues;
    let point = await store.openPoint(indices, 60_000);
    await create([event(35), event(45)]);
    await store.refresh();
    const seen = offsets(first.hits);
    for (let page = 0; page < 10; page++) {
      const found = await search(query, { indices, size: 2, after, point, pointKeepMs: 60_000 });
      const last = found.hits.at(-1);
      if (last === undefined) break;
      assert.deepEqual([last.sort.length, found.total], [5, { value: 8, relation: 'eq' }]);
      seen.push(...offsets(found.hits));
      after = last.sort;
      point = found.point ?? point;
    }
    assert.deepEqual(seen, [0, 10, 20, 30, 40, 50, 61, 71]);
    const now = await search(query, { indices, after: first.hits.at(-1)?.sort ?? [] });
    assert.deepEqual(offsets(now.hits), [30, 35, 40, 45, 50, 61, 71]);
    await store.closePoint(point);
    await store.closePoint(point);
  });

  it('says that a point is gone: closed, expired, or its index deleted', async () => {
    const closed = await store.openPoint(indices, 60_000);
    await store.closePoint(closed);
    await assert.rejects(search(query, { point: closed }), isPointGone);
    const index = `millrace-${stream}_p-2026.10.01`;
    await create([{ ...event(80), index }]);
    await store.refresh();
    const deleted = await store.openPoint([index], 60_000);
    await store.deleteIndex(index);
    await assert.rejects(search(query, { point: deleted, timeMsMax: 5_000 }), isPointGone);
    await assert.rejects(search(query, { point: deleted }), isPointGone);
  });

  it('opens a point where nothing is, and finds nothing in it', async () => {
    for (const none of [[], ['millrace-no_such_stream-*'], ['millrace-no_such_stream-2026.01.01']]) {
      const point = await store.openPoint(none, 60_000);
      const found = await search(query, { point });
      assert.deepEqual([found.hits, found.total.value], [[], 0]);
      await store.closePoint(point);
    }
    await assert.rejects(store.openPoint(['*'], 60_000), { code: 'STORE_REJECTED' });
  });

  it('answers whole within a bound on time that is not reached', async () => {
    const found = await search(query, { indices, timeMsMax: 60_000 });
    assert.deepEqual([found.hits.length, found.cut], [found.total.value, undefined]);
    await assert.rejects(search({ nonsense: {} }, { timeMsMax: 60_000 }), { code: 'STORE_REJECTED' });
  });
}

function arrivalsAndMembers({ create, document, search, store }: ConformanceBench): void {
  it('orders by arrival, then by file and offset, and pages by it', async () => {
    const arrived = { term: { tag: 'arrived' } };
    const at = (offset: number, time: string) =>
      document(offset, { message: `arrived ${offset}`, tag: 'arrived', '@timestamp': time });
    await create([
      at(2, '2026-11-22T09:00:00Z'),
      at(1, '2026-11-22T11:00:00Z'),
      at(3, '2026-11-22T10:00:00Z'),
    ]);
    await store.refresh();
    const first = await search(arrived, { by: 'ingested', size: 1 });
    assert.deepEqual(offsets(first.hits), [1]);
    const after = JSON.parse(JSON.stringify(first.hits[0]?.sort)) as SortValues;
    assert.deepEqual([after.length, after[0]], [4, Date.parse('2026-11-22T11:12:13.000Z')]);
    const rest = await search(arrived, { by: 'ingested', after });
    assert.deepEqual(offsets(rest.hits), [2, 3]);
    const back = await search(arrived, {
      by: 'ingested',
      order: 'desc',
      after: rest.hits.at(-1)?.sort ?? [],
    });
    assert.deepEqual(offsets(back.hits), [2, 1]);
  });

  it('orders by the place in the file, whatever the time', async () => {
    const placed = { term: { tag: 'placed' } };
    const at = (offset: number, time: string) =>
      document(offset, { message: `placed ${offset}`, tag: 'placed', '@timestamp': time });
    await create([
      at(30, '2026-11-22T08:00:00Z'),
      at(10, '2026-11-22T11:00:00Z'),
      at(20, '2026-11-22T11:00:00Z'),
    ]);
    await store.refresh();
    const { hits } = await search(placed, { by: 'offset', size: 2 });
    assert.deepEqual(offsets(hits), [10, 20]);
    const after = JSON.parse(JSON.stringify(hits[0]?.sort)) as SortValues;
    assert.equal(after.length, 3);
    assert.deepEqual(offsets((await search(placed, { by: 'offset', after })).hits), [20, 30]);
    assert.deepEqual(offsets((await search(placed, { by: 'offset', order: 'desc' })).hits), [30, 20, 10]);
  });

  it('returns what is derived for the index when it is asked for', async () => {
    const derived = { tag: 'derived', kv: ['user=ann'], kn: ['code=1'] };
    await create([document(95, { message: 'derived', ...derived })]);
    await store.refresh();
    const tagged = { term: { tag: 'derived' } };
    const [hit] = (await search(tagged, { containers: true, fields: ['tag', 'kv', 'kn'] })).hits;
    assert.deepEqual(hit?.source, derived);
    const whole = (await search(tagged, { containers: true })).hits[0]?.source;
    assert.deepEqual([whole?.message, whole?.kv], ['derived', derived.kv]);
    assert.equal((await search(tagged)).hits[0]?.source.kv, undefined);
  });

  it('returns the members of a source that are asked for, and marks matches all the same', async () => {
    const fields = { user: { id: 7, name: 'ann' }, 'a.b': 1, other: true };
    await create([document(90, { message: 'members of this', tag: 'members', fields })]);
    await store.refresh();
    const members = { term: { tag: 'members' } };
    const [hit] = (await search(members, { fields: ['tag', 'log.offset', 'fields.user'] })).hits;
    assert.deepEqual(hit?.source, {
      tag: 'members',
      log: { offset: 90 },
      fields: { user: { id: 7, name: 'ann' } },
    });
    assert.equal(hit?.sort.length, 5);
    assert.deepEqual((await search(members, { fields: [] })).hits[0]?.source, {});
    const [marked] = (await search({ match: { message: 'members' } }, { fields: ['tag'], highlight: true }))
      .hits;
    assert.equal(marked?.highlight, '\u0001members\u0002 of this');
  });
}

function offsets(hits: { source: Record<string, unknown> }[]): number[] {
  return hits.map(({ source }) => (source.log as { offset: number }).offset);
}
