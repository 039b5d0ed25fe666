import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RenderedDocument } from '../document/types.ts';
import type { ConformanceBench } from './conformance.ts';
import type { Dsl, SearchHit, SearchRequest, SortValues } from './port.ts';

/** The part of the store conformance suite about order and paging. */
export function pagingConformance(bench: ConformanceBench): void {
  const { create, document, store } = bench;

  it('pages through 5,000 equal timestamps, and records that share an offset, without gap or double', async () => {
    const documents: RenderedDocument[] = [];
    for (let i = 0; i < 5000; i++) {
      // Every tenth record was cut twice at one offset: only the end of its id tells the two apart.
      const offset = 10_000 + (i % 10 === 9 ? i - 1 : i) * 10;
      documents.push(document(offset, { message: `equal ${i}`, tag: 'equal' }, String(i)));
    }
    const shuffled = documents.toSorted((a, b) => (a.id.slice(-4) < b.id.slice(-4) ? -1 : 1));
    const results = await create(shuffled);
    assert.ok(results.every((result) => result.kind === 'created'));
    await store.refresh();

    const forward = await pages(bench, { term: { tag: 'equal' } }, 'asc', 777);
    const offsets = forward.map(offsetOf);
    assert.deepEqual(
      offsets,
      offsets.toSorted((a, b) => a - b),
    );
    const expected = documents.map((item) => item.id).sort();
    assert.deepEqual(forward.map((hit) => hit.id).sort(), expected);
    const backward = await pages(bench, { term: { tag: 'equal' } }, 'desc', 640);
    assert.deepEqual(
      backward.map((hit) => hit.id).reverse(),
      forward.map((hit) => hit.id),
    );
  });

  it('orders and pages by the nanosecond, then by file, then by offset', async () => {
    const at = (fraction: string) => `2026-11-22T12:00:00.${fraction}Z`;
    const other = { offset: 1, file: { path: '/var/log/b.log' } };
    await create([
      document(5, { message: '3', tag: 'nano', '@timestamp': at('000000002') }),
      document(4, { message: '2', tag: 'nano', '@timestamp': at('000000001') }),
      document(7, { message: '5', tag: 'nano', '@timestamp': at('001') }),
      document(6, { message: '4', tag: 'nano', '@timestamp': at('001') }),
      document(3, { message: '6', tag: 'nano', '@timestamp': at('001'), log: other }),
      document(8, { message: '1', tag: 'nano', '@timestamp': at('000') }),
      document(2, { message: '7', tag: 'nano', '@timestamp': '2200-01-01T00:00:00.123456789Z' }),
    ]);
    await store.refresh();
    for (const size of [1, 2, 100]) {
      const hits = await pages(bench, { term: { tag: 'nano' } }, 'asc', size);
      assert.deepEqual(
        hits.map((hit) => hit.source.message),
        ['1', '2', '3', '4', '5', '6', '7'],
      );
    }
  });
}

export async function pages(
  { search }: ConformanceBench,
  query: Dsl,
  order: SearchRequest['order'],
  size: number,
): Promise<SearchHit[]> {
  const hits: SearchHit[] = [];
  let after: SortValues | undefined;
  for (;;) {
    const page = await search(query, { order, size, ...(after === undefined ? {} : { after }) });
    hits.push(...page.hits);
    const last = page.hits.at(-1);
    if (last === undefined) return hits;
    // Cursors travel as JSON.
    after = JSON.parse(JSON.stringify(last.sort)) as SortValues;
    assert.ok(hits.length <= 10_000, 'paging does not end');
  }
}

function offsetOf(hit: SearchHit): number {
  return (hit.source.log as { offset: number }).offset;
}
