import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BucketConfigSchema } from '@millrace/archive/config.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { type SearchServer, startSearchServer } from '../e2e/harness/search-server.ts';
import { awsEnvironment, millrace } from '../e2e/harness/stack.ts';
import { accessLogLines } from './lib/access-log.ts';
import { writeArchiveObjects } from './lib/archived-objects.ts';
import { lineBlocks } from './lib/bodies.ts';
import { median, processCpuS } from './lib/measure.ts';
import { report, table } from './lib/report.ts';

/** Searches of archived access-log lines through the API: time to the answer, and payload per second of CPU. */
const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '10' },
    runs: { type: 'string', default: '5' },
    /** A bucket that runs, for a bench beside other work; absent: a local stack is started. */
    s3: { type: 'string' },
    /** Threads of the search API; 0: one for each core. */
    workers: { type: 'string', default: '0' },
    'port-base': { type: 'string', default: '7100' },
  },
});
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const gigabytes = Number(values.gb);
const runs = Number(values.runs);
const lineBytes = 147;
const lines = Math.round((gigabytes * 1e9) / lineBytes);
const stream = 'searched';
const prefix = `bench/${process.pid}/`;
const capturedMs = Date.UTC(2026, 0, 2);
const generation = Buffer.from('0199a1b2c3d47abc8def0123456789ab', 'hex');

/** The lines of the generator, some of which have a word that no other has. */
function* marked(): Generator<string> {
  let at = 0;
  for (const line of accessLogLines(lines)) {
    if (at === Math.floor(lines / 2)) yield line.replace(' HTTP/1.1', '?needle4711 HTTP/1.1');
    else if (at % 1_000 === 500) yield line.replace(' HTTP/1.1', '?xsubstringx HTTP/1.1');
    else yield line;
    at++;
  }
}

interface Asked {
  ms: number;
  cpuMs: number;
  hits: number;
  /** Of the archive, read. */
  bytes: number;
}

async function ask(server: SearchServer, q: string, limit: number): Promise<Asked> {
  const cpu = 1000 * processCpuS(server.pid);
  const started = performance.now();
  const asked = new URLSearchParams({ q, stream, source: 'archive', from: '*', limit: String(limit) });
  const response = await fetch(`${server.url}/api/v1/search/stream?${asked}`);
  const text = (await response.text()).trimEnd().split('\n');
  const ms = performance.now() - started;
  const last = JSON.parse(text.at(-1) ?? '') as { end?: { hits: number; partial: unknown[] } };
  if (last.end === undefined || last.end.partial.length > 0) throw new Error(`${q}: ${text.at(-1)}`);
  const progress = text.filter((line) => line.startsWith('{"progress"')).at(-1);
  const bytes = progress === undefined ? 0 : JSON.parse(progress).progress.bytes;
  return { ms, cpuMs: 1000 * processCpuS(server.pid) - cpu, hits: last.end.hits, bytes };
}

async function main(): Promise<void> {
  const endpoint = values.s3 ?? `http://127.0.0.1:${Number(values['port-base']) + 3}`;
  if (values.s3 === undefined) {
    const up = ['up', '--detach', '--data', dir, '--port-base', values['port-base']];
    const started = await millrace(...up, '--logs', join(dir, 'none', '*.log'));
    if (started.code !== 0) throw new Error(started.stdout + started.stderr);
  }
  Object.assign(process.env, awsEnvironment);
  const archive = { bucket: 'millrace', region: 'us-east-1', endpoint, prefix };
  const objects = createS3(validateConfig(BucketConfigSchema, archive, 'bench'));
  const begun = performance.now();
  const blocks = lineBlocks(marked(), stream, { generation, capturedMs });
  const written = await writeArchiveObjects(objects, stream, prefix, blocks);
  process.stderr.write(`${JSON.stringify(written)} in ${Math.round((performance.now() - begun) / 1000)} s\n`);
  const store = { type: 'opensearch', node: 'http://127.0.0.1:9' };
  const server = await startSearchServer(
    { type: 'opensearch', node: store.node },
    {
      archive,
      store,
      config: { archive_search: { workers: Number(values.workers) } },
    },
  );
  try {
    await ask(server, 'needle4711', 10);
    const rows: string[][] = [];
    for (const [what, q, limit, expected] of [
      ['a word of one line', 'needle4711', 1_000, 1],
      ['a text of no line', '*zzqzz*', 1_000, 0],
      [
        'a text of each 1,000th line, all of them',
        '*substringx*',
        1_000_000,
        Math.floor((lines + 499) / 1_000),
      ],
      ['a text of each 11th line, the newest 1,000', '*rders*', 1_000, 1_000],
      ['all lines, the newest 1,000', '', 1_000, 1_000],
    ] as const) {
      const all: Asked[] = [];
      for (let run = 0; run < runs; run++) all.push(await ask(server, q, limit));
      const ms = median(all.map((one) => one.ms));
      const cpuMs = median(all.map((one) => one.cpuMs));
      const hits = all[0]?.hits ?? 0;
      if (hits !== expected) throw new Error(`${q}: ${hits} hits in place of ${expected}`);
      const whole = limit === 1_000_000 || hits === 0;
      const perCore = whole ? Math.round(written.payloadBytes / 1e6 / (cpuMs / 1000)) : '';
      rows.push([what, String(hits), `${Math.round(ms)} ms`, `${Math.round(cpuMs)} ms`, String(perCore)]);
      process.stderr.write(`${rows.at(-1)?.join('  ')}\n`);
    }
    report('archive-search', [
      `${lines.toLocaleString('en-US')} access-log lines, ${(written.payloadBytes / 1e9).toFixed(1)} GB, in`,
      `${written.objects} objects of ${(written.bytes / 1e9).toFixed(2)} GB, ${written.filtered} with a filter of tokens;`,
      `everything on this machine, median of ${runs} runs.`,
      '',
      ...table(
        ['looked for', 'hits', 'answer after', 'CPU of the search API', 'MB of lines a second of CPU'],
        rows,
      ),
    ]);
  } finally {
    await server.stop();
    objects.close();
  }
}

try {
  await main();
} finally {
  if (values.s3 === undefined) await millrace('down', '--data', dir);
  rmSync(dir, { recursive: true, force: true });
}
