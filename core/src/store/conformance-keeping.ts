import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConformanceBench } from './conformance.ts';
import type { Mark } from './port.ts';

/** What set-aside, redrive and retention ask of a store. */
export function keepingConformance(bench: ConformanceBench): void {
  const { store, stream } = bench;
  const mark = (name: string, more: Partial<Mark> = {}): Mark => ({
    object: `archive/${stream}/2026/11/22/10/keeping/${name}.zst`,
    stream,
    events: 2,
    indexed: 1,
    exceptions: [{ id: 'a', reason: 'bad', outcome: 'missing', kind: 'rule', host: 'web-1' }],
    setAside: 1,
    reads: '1',
    ...more,
  });

  it('lists marks that say what was set aside, page by page, and gives marks in full', async () => {
    const marks = [mark('1'), mark('2'), mark('3'), mark('4', { exceptions: [], setAside: 0 })];
    for (const each of marks) await store.putMark(each);
    await store.refresh();
    const first = await store.marksSetAside({ stream, size: 2 });
    assert.deepEqual(first, marks.slice(0, 2));
    const after = first.at(-1)?.object ?? '';
    assert.deepEqual(await store.marksSetAside({ stream, after, size: 2 }), [marks[2]]);
    const keys = marks.map(({ object }) => object);
    assert.deepEqual(
      await store.marksOf([...keys, 'none']),
      new Map(marks.map((each) => [each.object, each])),
    );
  });

  it('replaces a mark at once', async () => {
    const done = mark('1', { indexed: 2, exceptions: [], setAside: 0 });
    await store.replaceMark(done);
    assert.deepEqual(await store.marksOf([done.object]), new Map([[done.object, done]]));
    const left = await store.marksSetAside({ stream, size: 10 });
    assert.ok(!left.some(({ object }) => object === done.object));
  });

  it('counts and deletes indices of events, and says which events one holds', async () => {
    const documents = [1, 2, 3].map((offset) => ({
      ...bench.document(offset, { message: `keeping ${offset}` }),
      index: `millrace-${stream}-2026.11.01`,
    }));
    await bench.create(documents);
    await store.refresh();
    const [index = ''] = documents.map((document) => document.index);
    const ids = documents.map(({ id }) => id);
    const figures = (await store.indices()).find((each) => each.index === index);
    assert.equal(figures?.documents, 3);
    assert.ok((figures?.bytes ?? 0) > 0);
    assert.deepEqual(await store.present(index, [...ids.slice(0, 2), 'none']), new Set(ids.slice(0, 2)));
    await store.deleteIndex(index);
    await store.deleteIndex(index);
    assert.deepEqual(await store.present(index, ids), new Set());
    assert.ok(!(await store.indices()).some((each) => each.index === index));
    for (const name of ['millrace-*', `millrace-${stream}-2026.11.*`, 'somebody']) {
      await assert.rejects(store.deleteIndex(name), { code: 'STORE_REJECTED' });
    }
  });

  it('moves a hot horizon forward and never back, also when several do', async () => {
    assert.equal((await store.horizons()).get(stream), undefined);
    const dates = ['2026.11.03', '2026.11.09', '2026.11.07', '2026.11.01'];
    await Promise.all(dates.map((date) => store.moveHorizon(stream, date)));
    assert.equal((await store.horizons()).get(stream), '2026.11.09');
    await store.moveHorizon(stream, '2026.11.08');
    assert.equal((await store.horizons()).get(stream), '2026.11.09');
    await assert.rejects(store.moveHorizon(stream, 'soon'), { code: 'STORE_REJECTED' });
  });
}
