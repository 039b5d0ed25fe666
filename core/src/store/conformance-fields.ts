import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { knTerm, kvTerm } from '../document/containers.ts';
import type { RenderedDocument } from '../document/types.ts';
import { compileQueryText } from '../query/compile.ts';
import type { ConformanceBench } from './conformance.ts';
import type { EngineAdmin } from './conformance-admin.ts';

type Fields = Record<string, string | number>;

/** Parsed fields of any name, in any number, by the containers that hold them all. */
export function fieldsConformance(bench: ConformanceBench, admin: EngineAdmin): void {
  const { create, store, stream } = bench;
  const index = `millrace-${stream}_f-2026.11.22`;
  let offset = 0;

  function document(fields: Fields): RenderedDocument {
    const leaves = Object.entries(fields);
    const kv = leaves.map(([name, value]) => kvTerm(name, String(value)));
    const kn = leaves.flatMap(([name, value]) => (typeof value === 'number' ? [knTerm(name, value)] : []));
    return { ...bench.document(offset++, { message: 'f', fields, kv, kn }), index };
  }

  async function count(query: string): Promise<number> {
    const { total } = await store.search({
      indices: [index],
      query: compileQueryText(query, { nowMs: 0 }),
      size: 0,
      order: 'asc',
      trackTotal: 100_000,
      highlight: false,
    });
    return total.value;
  }

  before(async () => {
    const documents: RenderedDocument[] = [];
    for (let i = 0; i < 100; i++) documents.push(document({ latency: i, 'Ünïcode näme': `v${i % 3}` }));
    for (let i = 0; i < 100; i++) documents.push(document({ latency: `${i} ms`, status: 'ok' }));
    for (let i = 0; i < 5000; i++) documents.push(document({ [`name_${i}`]: i }));
    for (const result of await create(documents)) assert.deepEqual(result, { kind: 'created' });
    await store.refresh();
  });

  it('finds a field that is a number in one app and text in another as either', async () => {
    assert.equal(await count('latency:7'), 1);
    assert.equal(await count('latency:"7 ms"'), 1);
    assert.equal(await count('latency:[10 TO 19]'), 10);
    assert.equal(await count('latency:*'), 200);
    assert.equal(await count('_exists_:status'), 100);
  });

  it('finds each of 5,000 field names by term and by range, and maps none of them', async () => {
    const mapped = async () => JSON.stringify(await admin.rest('GET', `/${index}/_mapping`)).length;
    const size = await mapped();
    for (const i of [0, 1, 2500, 4999]) {
      assert.equal(await count(`name_${i}:${i}`), 1);
      assert.equal(await count(`name_${i}:>=${i}`), 1);
      assert.equal(await count(`name_${i}:>${i}`), 0);
    }
    assert.ok(size < 10_000, `a mapping of ${size} characters`);
    assert.equal((await create([document({ one_more: 1 })]))[0]?.kind, 'created');
    assert.equal(await mapped(), size);
  });

  it("returns documents as they are stored, or without what is the index's own", async () => {
    const query = compileQueryText('name_7:7', { nowMs: 0 });
    const kv = async (more: { containers?: boolean }) => {
      const what = { indices: [index], query, size: 1, order: 'asc' as const };
      const { hits } = await store.search({ ...what, trackTotal: 0, highlight: false, ...more });
      return hits[0]?.source.kv;
    };
    assert.deepEqual(await kv({ containers: true }), ['name_7=7']);
    assert.equal(await kv({}), undefined);
  });

  it('counts the values of a field, whatever its name', async () => {
    const terms = { field: 'kv', include: 'Ünïcode näme=.*', size: 10 };
    const body = { size: 0, aggs: { values: { terms } } };
    const { aggregations } = await admin.rest('POST', `/${index}/_search`, body);
    const { values } = aggregations as { values: { buckets: { key: string; doc_count: number }[] } };
    assert.deepEqual(
      values.buckets.map(({ key, doc_count }) => [key, doc_count]),
      [
        ['Ünïcode näme=v0', 34],
        ['Ünïcode näme=v1', 33],
        ['Ünïcode näme=v2', 33],
      ],
    );
  });
}
