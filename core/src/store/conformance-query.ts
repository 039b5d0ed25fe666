import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { addressCases } from '../query/cases/addresses.ts';
import { matchDocuments, themes } from '../query/cases/cases.ts';
import { eventCases, pipeDocuments, pipeTime, tableCases, tableText } from '../query/cases/pipes.ts';
import { matchNowMs } from '../query/cases/theme.ts';
import { compileQuery, compileQueryText } from '../query/compile.ts';
import { matcherOf } from '../query/match.ts';
import { parseSearch } from '../query/parser.ts';
import { countInStore } from '../query/pipes/count-in-store.ts';
import { pushDown } from '../query/pipes/push-down.ts';
import { runPipes } from '../query/pipes/run.ts';
import { shapeOf } from '../query/pipes/shape.ts';
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
  const request = { indices: [streamIndex], size: 1000, trackTotal: 0, highlight: false };

  before(async () => {
    const documents = matchDocuments.map(({ name, source }) => ({
      index: streamIndex,
      id: `id-${name}`,
      source: JSON.stringify({ ...source, event: { generation: name, ...(source.event as object) } }),
    }));
    for (const result of await create(documents)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  for (const [theme, { documents, cases }] of Object.entries(themes)) {
    it(`finds for ${cases.length} queries about ${theme} what the matcher finds`, async () => {
      for (const [text, expected] of cases) {
        const query = compileQueryText(text, { nowMs: matchNowMs });
        const { hits } = await store.search({ ...request, order: 'asc', query });
        const found = new Set(hits.map(({ id }) => id));
        const names = documents.map(({ name }) => name).filter((name) => found.has(`id-${name}`));
        assert.deepEqual(names, expected, text);
        const matches = matcherOf(query);
        const matched = matchDocuments.filter(({ name, source }) => matches(`id-${name}`, source));
        assert.deepEqual(found, new Set(matched.map(({ name }) => `id-${name}`)), `${text}, in other themes`);
      }
    });
  }
}

/** What the store counts for a query's pipes is what they make of its documents. */
export function pipesConformance({ create, store, stream }: ConformanceBench): void {
  const streamIndex = `millrace-${stream}_p-2026.11.19`;
  const limits = { groupsMax: 1000, rowsMax: 1000, bytesMax: 1e9 };

  before(async () => {
    const documents = pipeDocuments.map(({ name, source }) => ({
      index: streamIndex,
      id: name,
      source: JSON.stringify({ ...source, event: { generation: 'g' } }),
    }));
    for (const result of await create(documents)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  it(`counts for ${tableCases.length} pipes what they count on its documents`, async () => {
    let pushedDown = 0;
    for (const [text, columns, rows] of tableCases) {
      const search = parseSearch(text);
      const shape = shapeOf(search.pipes);
      const query = compileQuery(search.query, { nowMs: matchNowMs });
      const chosen = shape.table?.type === 'timechart' ? shape.table.intervalMs : undefined;
      const time = { ...pipeTime, intervalMs: chosen ?? 60_000 };
      const pushed = pushDown(shape, { groupsMax: limits.groupsMax, time });
      if (pushed === undefined) continue;
      pushedDown++;
      const pipes = runPipes(shape, limits, { time });
      await countInStore(store, pushed, { indices: [streamIndex], query }, pipes.groups);
      const { table, shortfalls } = pipes.end();
      assert.deepEqual(table && tableText(table), { columns, rows }, text);
      assert.deepEqual(shortfalls, [], text);
    }
    assert.ok(pushedDown >= 30, String(pushedDown));
  });

  it('names addresses as they are named where documents are read', async () => {
    const index = `millrace-${stream}_a-2026.11.19`;
    const time = '2026-11-19T10:00:00Z';
    const source = { '@timestamp': time, source: { ip: addressCases.map(([written]) => written) } };
    const document = { index, id: 'a', source: JSON.stringify({ ...source, event: { generation: 'g' } }) };
    assert.deepEqual(await create([document]), [{ kind: 'created' }]);
    await store.refresh();
    const shape = shapeOf(parseSearch('| count by source.ip').pipes);
    const pushed = pushDown(shape, { groupsMax: 1000, time: undefined });
    assert.ok(pushed !== undefined);
    const [counted, read] = [runPipes(shape, limits, {}), runPipes(shape, limits, {})];
    await countInStore(store, pushed, { indices: [index], query: { match_all: {} } }, counted.groups);
    read.add({ id: 'a', source });
    assert.deepEqual(counted.end().table, read.end().table);
  });

  it('returns documents of which pipes read the same without the containers', async () => {
    const { hits } = await store.search({
      indices: [streamIndex],
      query: { match_all: {} },
      size: 100,
      order: 'desc',
      trackTotal: 0,
      highlight: false,
    });
    for (const [text, expected] of eventCases) {
      const found: (string | [string, number])[] = [];
      const shape = shapeOf(parseSearch(text).pipes);
      const pipes = runPipes(shape, limits, {
        emit: ({ document, count }) => found.push(count === undefined ? document.id : [document.id, count]),
      });
      for (const hit of shape.order === 'desc' ? hits : hits.toReversed()) if (!pipes.add(hit)) break;
      pipes.end();
      assert.deepEqual(found, expected, text);
    }
  });
}
