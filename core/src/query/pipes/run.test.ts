import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventCases, pipeDocuments, pipeTime, tableCases, tableText } from '../cases/pipes.ts';
import { type MatchDocument, matchNowMs } from '../cases/theme.ts';
import { compileQuery } from '../compile.ts';
import { matcherOf } from '../match.ts';
import { parseSearch } from '../parser.ts';
import { type PipeLimits, type Row, runPipes } from './run.ts';
import { shapeOf } from './shape.ts';

const limits: PipeLimits = { groupsMax: 1000, rowsMax: 1000, bytesMax: 1e9 };

/** What the pipes of a query make of documents that are in the order of time. */
function run(text: string, documents: readonly MatchDocument[] = pipeDocuments, bounds = limits) {
  const search = parseSearch(text);
  const matches = matcherOf(compileQuery(search.query, { nowMs: matchNowMs }));
  const shape = shapeOf(search.pipes);
  const intervalMs = shape.table?.type === 'timechart' ? (shape.table.intervalMs ?? 60_000) : 60_000;
  const rows: Row<{ id: string; source: Record<string, unknown> }>[] = [];
  const pipes = runPipes(shape, bounds, { emit: (row) => rows.push(row), time: { ...pipeTime, intervalMs } });
  let seen = 0;
  for (const { name, source } of shape.order === 'asc' ? documents : documents.toReversed()) {
    if (!matches(name, source)) continue;
    seen++;
    if (!pipes.add({ id: name, source })) break;
  }
  const { table, shortfalls } = pipes.end();
  return { table, shortfalls, rows, seen };
}

test('pipes make the tables that the engines make', () => {
  for (const [text, columns, rows] of tableCases) {
    const { table, shortfalls } = run(text);
    assert.deepEqual(table && tableText(table), { columns, rows }, text);
    assert.deepEqual(shortfalls, [], text);
  }
});

test('fields are read the same from a document without its containers, as stores return it', () => {
  const bare = pipeDocuments.map(({ name, source: { kv, kn, ...source } }) => ({ name, source }));
  for (const [text, columns, rows] of tableCases) {
    const { table } = run(text, bare);
    assert.deepEqual(table && tableText(table), { columns, rows }, text);
  }
});

test('pipes choose, order and fold events', () => {
  for (const [text, expected] of eventCases) {
    const { rows, table } = run(text);
    assert.equal(table, undefined);
    assert.deepEqual(
      rows.map(({ document, count }) => (count === undefined ? document.id : [document.id, count])),
      expected,
      text,
    );
  }
});

test('head reads no further than it must', () => {
  assert.equal(run('| head 2').seen, 2);
  assert.equal(run('| head 2 | count by level').seen, 2);
});

test('what does not fit is told, and what was there first is kept', () => {
  const small = { ...limits, groupsMax: 2, rowsMax: 2 };
  const counted = run('| count by host', pipeDocuments, small);
  assert.deepEqual(counted.shortfalls, ['buckets']);
  assert.deepEqual(counted.table?.rows, [
    ['ü-3', 1],
    ['😀', 1],
  ]);
  const folded = run('| dedup message', pipeDocuments, small);
  assert.deepEqual(folded.shortfalls, ['rows']);
  assert.deepEqual(
    folded.rows.map(({ document, count }) => [document.id, count]),
    [
      ['p6', 1],
      ['p5', 3],
    ],
  );
  const sorted = run('| sort ms', pipeDocuments, small);
  assert.deepEqual(sorted.shortfalls, ['rows']);
  assert.deepEqual(
    sorted.rows.map(({ document }) => document.id),
    ['p5', 'p3'],
  );
});

test('what a sort or a dedup holds is bounded in bytes too', () => {
  const small = { ...limits, bytesMax: 2_500 };
  const sorted = run('| sort ms', pipeDocuments, small);
  assert.deepEqual(
    [sorted.rows.map(({ document }) => document.id), sorted.shortfalls],
    [['p5', 'p3'], ['rows']],
  );
  const folded = run('| dedup host', pipeDocuments, small);
  assert.deepEqual([folded.rows.length, folded.shortfalls], [3, ['rows']]);
});

test('a timechart has a column for the commonest values, and one for all others together', () => {
  const documents = Array.from({ length: 30 }, (_, i) => ({
    name: `d${i}`,
    source: { '@timestamp': '2026-11-19T10:00:00Z', host: { name: `h${Math.min(i, 11)}` } },
  }));
  const { table } = run('| timechart 10m by host', documents);
  assert.deepEqual(
    table?.columns.map(({ name }) => name),
    ['time', 'h11', 'h0', 'h1', 'h10', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7', 'other'],
  );
  assert.deepEqual(table?.rows, [['2026-11-19T10:00:00.000Z', 19, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]]);
});

test('events with many values of several fields are counted within a bound', () => {
  const many = Array.from({ length: 200 }, (_, i) => `v${i}=${i}`);
  const kv = ['a', 'b', 'c'].flatMap((name) => many.map((value) => `${name}=${value}`));
  const source = { '@timestamp': '2026-11-19T10:00:00Z', kv };
  const { shortfalls } = run('| count by a, b, c', [{ name: 'd', source }], {
    ...limits,
    groupsMax: 100_000,
  });
  assert.deepEqual(shortfalls, ['buckets']);
});
