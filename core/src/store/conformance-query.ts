import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { compileQueryText } from '../query/compile.ts';
import { matchCases, matchDocuments, matchNowMs } from '../query/match-cases.ts';
import { bulkAction, deleteAction } from './action.ts';
import type { ConformanceBench } from './conformance.ts';

/** What corrections do: documents are replaced and deleted, again and again without harm. */
export function applyConformance({ document, index, store, messages }: ConformanceBench): void {
  it('replaces and deletes documents; deleting what is not there, or in no index, is done', async () => {
    const ingested = '2026-11-22T11:12:13.000Z';
    const one = document(400, { message: 'before', tag: 'applied' });
    const other = document(401, { message: 'gone', tag: 'applied' });
    const now = { ...one, source: document(400, { message: 'after', tag: 'applied' }).source };
    const write = [one, other, now].map((item) => bulkAction(item, ingested, 'index'));
    const nowhere = index.replace('2026.11.22', '2026.11.01');
    const erase = [
      deleteAction(index, other.id),
      deleteAction(index, other.id),
      deleteAction(nowhere, one.id),
    ];
    for (let round = 0; round < 2; round++) {
      const results = await store.bulkApply([...write, ...erase].join(''), 6);
      assert.deepEqual(
        results.map(({ kind }) => kind),
        Array.from({ length: 6 }, () => 'created'),
      );
      await store.refresh();
      assert.deepEqual(await messages({ term: { tag: 'applied' } }), ['after']);
    }
    assert.ok(!(await store.indices()).some(({ index: name }) => name === nowhere));
  });
}

/** The engine and the matcher of the archive answer every query of one table alike (D9). */
export function queryConformance({ create, store, stream }: ConformanceBench): void {
  const streamIndex = `millrace-${stream}_q-2026.11.22`;

  before(async () => {
    const documents = matchDocuments.map(({ name, source }) => ({
      index: streamIndex,
      id: `id-${name}`,
      source: JSON.stringify({ ...source, event: { generation: name } }),
    }));
    for (const result of await create(documents)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  for (const [query, expected] of matchCases) {
    it(`finds for the query "${query}" what the matcher finds`, async () => {
      const { hits } = await store.search({
        indices: [streamIndex],
        query: compileQueryText(query, { nowMs: matchNowMs }),
        size: 100,
        order: 'asc',
        trackTotal: 0,
        highlight: false,
      });
      const found = new Set(hits.map((hit) => hit.id));
      const names = matchDocuments.map(({ name }) => name).filter((name) => found.has(`id-${name}`));
      assert.deepEqual(names, expected);
    });
  }
}
