import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, it } from 'node:test';
import type { ConformanceBench } from './conformance.ts';
import type { Dsl } from './port.ts';

const lines = 20_000;

/** What becomes of a query that takes long: 250 wildcards, each of which looks at 200,000 words. */
export function timeConformance({ create, document, search, store, stream }: ConformanceBench): void {
  const index = `millrace-${stream}_t-2026.11.22`;
  const wildcards = Array.from({ length: 250 }, (_, i) => ({
    wildcard: { message: { value: `*${i}x*${i * 7 + 3}x*` } },
  }));
  const slow: Dsl = {
    bool: { should: [{ term: { message: 'needle' } }, ...wildcards], minimum_should_match: 1 },
  };

  before(async () => {
    for (let from = 0; from < lines; from += 5_000) {
      const documents = Array.from({ length: 5_000 }, (_, i) => ({
        ...document(from + i, { message: `needle ${words(from + i)}` }),
        index,
      }));
      const results = await create(documents);
      assert.ok(results.every(({ kind }) => kind === 'created'));
    }
    await store.refresh();
  });

  it('stops a search by time and says so; without a bound it is whole', async () => {
    const cut = await search(slow, { indices: [index], timeMsMax: 1 });
    assert.deepEqual([cut.cut, cut.total.relation], [true, 'gte']);
    const point = await store.openPoint([index], 60_000);
    assert.equal((await search(slow, { point, timeMsMax: 1 })).cut, true);
    await store.closePoint(point);
    const whole = await search(slow, { indices: [index], timeMsMax: 300_000 });
    assert.deepEqual([whole.cut, whole.total], [undefined, { value: lines, relation: 'eq' }]);
  });

  it('stops counting by time and says so', async () => {
    const parts = { all: { type: 'filter', query: slow } } as const;
    const cut = await store.aggregate({ indices: [index], query: slow, parts, timeMsMax: 1 });
    assert.equal(cut.cut, true);
    const whole = await store.aggregate({ indices: [index], query: slow, parts, timeMsMax: 300_000 });
    assert.deepEqual([whole.cut, whole.total, whole.parts.all?.count], [undefined, lines, lines]);
  });
}

/** Ten that no other line has. */
function words(line: number): string {
  const hash = (i: number) => createHash('md5').update(`${line}.${i}`).digest('hex').slice(0, 14);
  return Array.from({ length: 10 }, (_, i) => hash(i)).join(' ');
}
