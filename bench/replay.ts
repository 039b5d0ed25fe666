import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { archiveObjects } from '../e2e/harness/archive.ts';
import { endpoint, millrace, type StackUnderTest } from '../e2e/harness/stack.ts';
import { archivedBlocks, writeArchive } from './lib/archived-lines.ts';
import { ownAction, writeBodies } from './lib/bodies.ts';
import { median } from './lib/measure.ts';
import { report, table } from './lib/report.ts';
import { BenchStore } from './lib/store.ts';

/** `replay` of archived access-log lines into an empty store beside a bare loader of the same documents, ready-made. */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '3' },
    'port-base': { type: 'string', default: '7100' },
  },
});
const lines = Number(values.lines);
const portBase = Number(values['port-base']);
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const stack: StackUnderTest = {
  url: `http://127.0.0.1:${portBase}`,
  portBase,
  dataDir: join(dir, 'data'),
  logs: join(dir, 'logs'),
};
const node = endpoint(stack, 'opensearch');
const stream = 'benched';
const indices = `millrace-${stream}-*`;
const store = new BenchStore(node);

async function main(): Promise<void> {
  const up = ['up', '--detach', '--data', stack.dataDir, '--port-base', values['port-base']];
  // The filler would do the work of the replay beside it.
  const quiet = ['--set', 'consumer.filler.interval_ms=86400000', '--logs', join(stack.logs, '*.log')];
  const started = await millrace(...up, ...quiet, '--store-heap', '1g');
  if (started.code !== 0) throw new Error(started.stdout + started.stderr);
  const bodies = join(dir, 'bodies');
  writeBodies(bodies, archivedBlocks(lines, stream), ownAction);
  await archive();
  // The first load of an engine that has just started is slower than all others.
  await store.load(bodies, indices, lines);
  await empty();
  const bare: number[] = [];
  const replayed: number[] = [];
  let again = { written: Number.NaN, existing: Number.NaN };
  for (let run = 0; run < Number(values.runs); run++) {
    bare.push(await store.load(bodies, indices, lines));
    const expected = await contents();
    await empty();
    replayed.push(lines / (await timed(replay)));
    if ((await contents()) !== expected) throw new Error('the documents are not those of the loader');
    again = await replay();
    if (again.written !== 0 || again.existing !== lines) throw new Error(JSON.stringify(again));
    await empty();
    process.stderr.write(
      `bare ${Math.round(bare.at(-1) ?? 0)}, replay ${Math.round(replayed.at(-1) ?? 0)}\n`,
    );
  }
  const rate = (rates: number[]) => Math.round(median(rates)).toLocaleString('en-US');
  report('replay', [
    `${lines.toLocaleString('en-US')} archived access-log lines into an empty OpenSearch (heap 1 GB), everything on this`,
    `machine, runs in turns, median of ${values.runs}, each including the start of its process.`,
    '',
    ...table(
      ['', 'documents/s', 'runs'],
      [
        ['bare `_bulk` loader, ready-made bodies', rate(bare), bare.map(Math.round).join(', ')],
        ['`replay`', rate(replayed), replayed.map(Math.round).join(', ')],
      ],
    ),
    '',
    `Ratio replay / bare: **${(median(replayed) / median(bare)).toFixed(2)}**. The documents are equal in number, ids and`,
    `content; the same replay again writes ${again.written} and finds ${again.existing.toLocaleString('en-US')}.`,
  ]);
}

async function archive(): Promise<void> {
  const objects = archiveObjects(stack);
  await writeArchive(objects, lines, stream);
  objects.close();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function replay(): Promise<{ written: number; existing: number }> {
  const { code, stdout, stderr } = await millrace(
    'replay',
    '--data',
    stack.dataDir,
    '--stream',
    stream,
    '--json',
  );
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { written: number; existing: number };
}

/** Number of documents, and sums over what they hold: equal only when every document is. */
async function contents(): Promise<string> {
  const ask = async (path: string, body?: unknown) => {
    const response = await fetch(`${node}/${indices}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as { aggregations?: unknown; hits?: { total: { value: number } } };
  };
  await ask('_refresh');
  const sum = (field: string) => ({ sum: { field } });
  const distinct = (field: string) => ({ terms: { field, size: 50 } });
  const aggs = {
    offsets: sum('log.offset'),
    ties: sum('event.tie'),
    bytes: sum('http.response.body.bytes'),
    statuses: distinct('http.response.status_code'),
    methods: distinct('http.request.method'),
    agents: distinct('user_agent.original'),
    users: distinct('user.name'),
  };
  const { aggregations, hits } = await ask('_search', { size: 0, track_total_hits: true, aggs });
  if (hits?.total.value !== lines) throw new Error(`${hits?.total.value} documents, not ${lines}`);
  return JSON.stringify(aggregations);
}

async function empty(): Promise<void> {
  await store.remove(indices);
  await delay(3000);
}

try {
  await main();
} finally {
  await millrace('down', '--data', stack.dataDir);
  rmSync(dir, { recursive: true, force: true });
}
