import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { generationText } from '../ids/generation.ts';
import type { ConformanceBench } from './conformance.ts';

/** What the ledger asks: marks in key order, and events by generation. */
export function accountingConformance({ create, store, stream }: ConformanceBench): void {
  const index = `millrace-${stream}_a-2026.11.22`;
  const prefix = `archive/${stream}_a/`;
  const keys = Array.from({ length: 5 }, (_, i) => `${prefix}2026/11/22/0${i}/s/${i}-00000000.zst`);
  const generations = [3, 1, 2].map((byte) => generationText(Buffer.alloc(16, byte)));

  before(async () => {
    for (const object of [...keys].reverse()) {
      const exceptions = [{ id: 'a', reason: 'because', outcome: 'missing' as const }];
      await store.putMark({ object, stream, events: 7, indexed: 6, exceptions });
    }
    const documents = generations.flatMap((generation, i) =>
      Array.from({ length: i + 1 }, (_, offset) => ({
        index,
        id: `${generation}${offset}`,
        source: JSON.stringify({
          '@timestamp': '2026-11-22T10:00:00.000Z',
          message: 'counted',
          log: { offset },
          event: { generation },
        }),
      })),
    );
    for (const result of await create(documents)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  it('gives marks in order of object key, page by page, whole', async () => {
    const first = await store.marks({ prefix, size: 2 });
    assert.deepEqual(
      first.map(({ object }) => object),
      keys.slice(0, 2),
    );
    assert.deepEqual([first[0]?.events, first[0]?.exceptions[0]?.reason], [7, 'because']);
    const rest = await store.marks({ prefix, after: keys[1] ?? '', size: 1_000 });
    assert.deepEqual(
      rest.map(({ object }) => object),
      keys.slice(2),
    );
    assert.deepEqual(await store.marks({ prefix: `archive/${stream}_b/`, size: 10 }), []);
  });

  it('counts the events of each generation in an index, page by page; none in one that is not there', async () => {
    const all = [
      { generation: generations[1] ?? '', events: 2 },
      { generation: generations[2] ?? '', events: 3 },
      { generation: generations[0] ?? '', events: 1 },
    ].sort((a, b) => (a.generation < b.generation ? -1 : 1));
    assert.deepEqual(await store.generations({ index, size: 10_000 }), all);
    const first = await store.generations({ index, size: 1 });
    assert.deepEqual(first, all.slice(0, 1));
    const after = first[0]?.generation ?? '';
    assert.deepEqual(await store.generations({ index, after, size: 10 }), all.slice(1));
    assert.deepEqual(await store.generations({ index: `millrace-${stream}_none-2026.11.22`, size: 10 }), []);
    await assert.rejects(store.generations({ index: 'millrace-*', size: 1 }), { code: 'STORE_REJECTED' });
  });
}
