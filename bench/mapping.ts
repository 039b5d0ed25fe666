import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { compileQueryText } from '@millrace/core/query/compile.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { openSearchTimes } from '@millrace/core/store/opensearch/adapter.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { eventsTemplateBody } from '@millrace/core/store/rest/template.ts';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { startStoreEngine } from '../e2e/harness/store-engine.ts';
import { benchLines, lineBlocks, ownAction, writeBodies } from './lib/bodies.ts';
import { median } from './lib/measure.ts';
import { report, table } from './lib/report.ts';
import { BenchStore } from './lib/store.ts';

/** How the index of events should be kept: codec and sort, on each engine, by bytes, docs/s and query ms. */
const { values } = parseArgs({
  options: { lines: { type: 'string', default: '300000' }, engine: { type: 'string', multiple: true } },
});
const lines = Number(values.lines);
const files = 8;
const stream = 'bench_mapping';
const indices = `millrace-${stream}-*`;

const byTime = { field: '@timestamp', order: 'desc' };
const byFile = { field: ['log.file.path', 'event.generation', 'log.offset'], order: ['asc', 'asc', 'asc'] };
const variants: [name: string, settings: Record<string, unknown>][] = [
  ['default', { codec: 'default' }],
  ['default, sorted by time', { codec: 'default', sort: byTime }],
  ['default, sorted by file', { codec: 'default', sort: byFile }],
  ['best_compression', { codec: 'best_compression' }],
  ['best_compression, sorted by time', { codec: 'best_compression', sort: byTime }],
];

const queries = {
  'a word, newest 100': 'googlebot',
  'a field, newest 100': 'http.response.status_code:404',
  'a field of any name': 'code:404',
  'a range': 'size:[1000 TO 2000]',
};

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-mapping-'));
const bodies = join(folder, 'bodies');
interleave(bodies);
const rows: (string | number)[][] = [];
const skipped: string[] = [];
for (const engine of ['opensearch', 'elasticsearch'] as const) {
  if (values.engine && !values.engine.includes(engine)) continue;
  const version = storeVersions[engine][1];
  const running = await startStoreEngine(engine, version);
  const config = validateConfig(StoreConfigSchema, { type: engine, node: running.node }, 'bench');
  const store = await createStore(config);
  try {
    await store.install();
    await measured(running.node, store); // compiles the engine's code: not counted
    for (const [name, settings] of variants) {
      const refused = await useSettings(
        running.node,
        eventsTemplateBody(config.index, engine === 'opensearch' ? openSearchTimes : {}),
        settings,
      );
      if (refused === undefined)
        rows.push([`${engine} ${version}`, name, ...(await measured(running.node, store))]);
      else skipped.push(`${engine}: ${name}: ${refused}`);
    }
  } finally {
    await store.close();
    await running.stop();
  }
}
rmSync(folder, { recursive: true });
report('mapping', [
  `${lines.toLocaleString('en')} access-log lines of ${files} files, interleaved, into one shard (heap 512 MB, two requests`,
  'at a time); bytes after a merge into one segment; queries: median of 20.',
  '',
  ...table(
    ['engine', 'index', 'documents/s', 'bytes a line', ...Object.keys(queries).map((name) => `${name}, ms`)],
    rows,
  ),
  ...(skipped.length > 0 ? ['', ...skipped] : []),
]);

/** Bodies of several files in turns, as they come out of a stream. */
function interleave(path: string): void {
  const parts = Array.from({ length: files }, (_, i) => {
    const part = join(folder, `part-${i}`);
    writeBodies(part, lineBlocks(benchLines(Math.floor(lines / files), i), stream), ownAction);
    return readFileSync(part);
  });
  const fd = openSync(path, 'w');
  const at = parts.map(() => 0);
  while (parts.some((part, i) => (at[i] ?? 0) < part.length)) {
    for (const [i, part] of parts.entries()) {
      const from = at[i] ?? 0;
      if (from >= part.length) continue;
      const to = from + 4 + part.readUInt32LE(from);
      writeSync(fd, part.subarray(from, to));
      at[i] = to;
    }
  }
  closeSync(fd);
}

/** Our template with other settings, above it; returns what the engine has against it. */
async function useSettings(
  node: string,
  template: Record<string, unknown>,
  settings: Record<string, unknown>,
): Promise<string | undefined> {
  const body = structuredClone(template) as { priority: number; template: { settings: { index: object } } };
  body.priority = 2000;
  Object.assign(body.template.settings.index, settings);
  const response = await fetch(`${node}/_index_template/bench-mapping`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, index_patterns: [`millrace-${stream}-*.*`] }),
  });
  return response.ok ? undefined : (await response.text()).slice(0, 200);
}

async function measured(node: string, store: Store): Promise<string[]> {
  const bench = new BenchStore(node);
  const count = Math.floor(lines / files) * files;
  const rate = await bench.load(bodies, indices, count);
  const bytes = await bench.bytes(indices);
  const times: string[] = [];
  for (const query of Object.values(queries)) {
    const runs: number[] = [];
    for (let i = 0; i < 20; i++) {
      const start = process.hrtime.bigint();
      await store.search({
        indices: [indices],
        query: compileQueryText(query, { nowMs: Date.now() }),
        size: 100,
        order: 'desc',
        trackTotal: 10_000,
        highlight: false,
      });
      runs.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    times.push(median(runs).toFixed(1));
  }
  await bench.remove(indices);
  return [Math.round(rate).toLocaleString('en'), (bytes / count).toFixed(1), ...times];
}
