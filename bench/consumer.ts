import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { archiveBytes, archiveObjects } from '../e2e/harness/archive.ts';
import { endpoint, millrace, type StackUnderTest } from '../e2e/harness/stack.ts';
import { accessLogLines, writeAccessLog } from './lib/access-log.ts';
import { shipOnce, writeAgentConfig } from './lib/agent-process.ts';
import { archiveCpuS } from './lib/archive-cost.ts';
import { measureBento } from './lib/bento-consumer.ts';
import { benchLines, lineBlocks, ownAction, plainAction, writeBodies } from './lib/bodies.ts';
import { median } from './lib/measure.ts';
import { type Cores, StackParts } from './lib/parts.ts';
import { report, table } from './lib/report.ts';
import { BenchStore } from './lib/store.ts';

/** From stream to index and archive beside a bare bulk loader, and from a line's writing to its being found. */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '600000' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '60' },
    'port-base': { type: 'string', default: '7000' },
    bento: { type: 'string' },
  },
});
const lines = Number(values.lines);
const portBase = Number(values['port-base']);
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const logs = join(dir, 'logs');
mkdirSync(logs);
const stack: StackUnderTest = {
  url: `http://127.0.0.1:${portBase}`,
  portBase,
  dataDir: join(dir, 'data'),
  logs,
};
const store = new BenchStore(endpoint(stack, 'opensearch'));

interface Rates {
  bare: number[];
  plain: number[];
  pipeline: number[];
  /** CPU of each part while the pipeline was loaded through, microseconds a document; of the last run. */
  partsUs: Map<string, number>;
  /** Bytes of an index a document. */
  ownBytes: number;
  plainBytes: number;
  /** Of the last run. */
  logBytes: number;
  archivedBytes: number;
}

async function main(): Promise<void> {
  const up = ['up', '--detach', '--data', stack.dataDir, '--port-base', values['port-base']];
  const started = await millrace(...up, '--logs', join(logs, '*.log'), '--store-heap', '1g');
  if (started.code !== 0) throw new Error(started.stdout + started.stderr);
  const all = await StackParts.of(stack);
  await warmUp();
  const text: string[] = [];
  let seed = 0;
  for (const cores of ['shared', 'apart'] as const) {
    all.useCores(cores);
    const rates: Rates = {
      bare: [],
      plain: [],
      pipeline: [],
      partsUs: new Map(),
      ownBytes: 0,
      plainBytes: 0,
      logBytes: 0,
      archivedBytes: 0,
    };
    for (let run = 0; run < Number(values.runs); run++, seed++) {
      await loadBare(seed, rates);
      await loadThroughPipeline(seed, all, rates);
    }
    text.push(...describe(cores, rates), '');
  }
  all.useCores('shared');
  text.push(await archiveCost(), '');
  if (values.bento !== undefined) {
    const { perS, us } = await measureBento(values.bento, {
      stack,
      store,
      dir,
      lines: Math.min(lines, 300_000),
    });
    text.push(
      `Bento, parsed events to the same store: ${count(perS)} documents/s, ${us.toFixed(1)} µs a document.`,
      '',
    );
  }
  const latency = await measureLatency(Number(values.seconds));
  const quantile = (q: number) =>
    latency[Math.min(latency.length - 1, Math.floor(latency.length * q))] ?? Number.NaN;
  report('consumer', [
    `${count(lines)} access-log lines a run into one OpenSearch (heap 1 GB), everything on this machine, runs in turns,`,
    `median of ${values.runs}. Pipeline: stream → KCL → 2 children → archive and index. Bytes: merged into one segment.`,
    '',
    ...text,
    `Line written → found by the search API, ${latency.length} probes beside 1,000 lines/s: p50 **${quantile(0.5)} ms**, ` +
      `p90 ${quantile(0.9)} ms, p99 ${quantile(0.99)} ms.`,
  ]);
}

/** The engine compiles its code while it takes the first documents: those are not counted. */
async function warmUp(): Promise<void> {
  const file = join(dir, 'bodies');
  for (const [indices, action] of [
    ['millrace-bare-*', ownAction],
    ['plain-*', plainAction],
  ] as const) {
    writeBodies(file, lineBlocks(benchLines(lines, 99), 'bare'), action);
    await store.load(file, indices, lines);
    await store.remove(indices);
  }
}

/** Of archiving alone, in this process. */
async function archiveCost(): Promise<string> {
  const objects = archiveObjects(stack);
  const us = async (tokenFilter: boolean) => {
    const blocks = lineBlocks(benchLines(lines, 1), 'bench_archive');
    return ((await archiveCpuS(objects, blocks, tokenFilter)) * 1e6) / lines;
  };
  await us(true); // compiles
  const [plain, filtered] = [await us(false), await us(true)];
  objects.close();
  return (
    `Archiving by itself (block ids, footer, upload), µs a document: **${plain.toFixed(2)}**; ` +
    `with the filter of tokens ${filtered.toFixed(2)}.`
  );
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function describe(cores: Cores, rates: Rates): string[] {
  const { bare, plain, pipeline, partsUs, ownBytes, plainBytes, logBytes, archivedBytes } = rates;
  const row = (name: string, figures: number[], bytes = '') => [
    name,
    count(median(figures)),
    figures.map(Math.round).join(', '),
    bytes,
  ];
  const parts = [...partsUs].filter(([, us]) => us >= 0.05).map(([name, us]) => `${name} ${us.toFixed(1)}`);
  const title = {
    shared: 'All on all cores',
    apart: 'The store on a core of its own, everything else on the rest',
  }[cores];
  return [
    `**${title}**`,
    '',
    ...table(
      ['', 'documents/s', 'runs', 'index bytes a document'],
      [
        row('bare `_bulk` loader, ready-made bodies', bare, ownBytes.toFixed(0)),
        row('the same documents under the default dynamic mapping', plain, plainBytes.toFixed(0)),
        row('pipeline', pipeline),
      ],
    ),
    '',
    `Ratio pipeline / bare: **${(median(pipeline) / median(bare)).toFixed(2)}**; pipeline / dynamic mapping: ` +
      `**${(median(pipeline) / median(plain)).toFixed(2)}**, with **${(ownBytes / plainBytes).toFixed(2)}** of its bytes. ` +
      `CPU, µs a document: ${parts.join(', ')}. Archive: ${(archivedBytes / 1e6).toFixed(1)} MB of ` +
      `${(logBytes / 1e6).toFixed(1)} MB of log, **1/${(logBytes / archivedBytes).toFixed(1)}**.`,
  ];
}

/** The pipeline's own documents, made beforehand; and the same where no template of ours says what they are. */
async function loadBare(seed: number, rates: Rates): Promise<void> {
  const file = join(dir, 'bodies');
  writeBodies(file, lineBlocks(benchLines(lines, seed), 'bare'), ownAction);
  rates.bare.push(await store.load(file, 'millrace-bare-*', lines));
  rates.ownBytes = (await store.bytes('millrace-bare-*')) / lines;
  await store.remove('millrace-bare-*');
  writeBodies(file, lineBlocks(benchLines(lines, seed), 'bare'), plainAction);
  rates.plain.push(await store.load(file, 'plain-*', lines));
  rates.plainBytes = (await store.bytes('plain-*')) / lines;
  await store.remove('plain-*');
  rmSync(file);
  process.stderr.write(
    `bare: ${Math.round(rates.bare.at(-1) ?? 0)} documents/s, dynamic ${Math.round(rates.plain.at(-1) ?? 0)}\n`,
  );
}

/** Ships a file at full speed and watches the index grow; from the first tenth to the last. */
async function loadThroughPipeline(seed: number, all: StackParts, rates: Rates): Promise<void> {
  const log = join(dir, 'backfill.txt');
  writeAccessLog(log, lines, 2000 + seed);
  const target = { endpoint: endpoint(stack, 'kinesis'), streamName: 'millrace', stream: 'pipeline' };
  const config = writeAgentConfig(dir, log, target);
  const archivedBefore = await archiveBytes(stack);
  const shipping = shipOnce(config);
  const reach = async (share: number) => ({
    ...(await store.reach('millrace-pipeline-*', lines * share)),
    cpuS: all.cpuS(),
  });
  const first = await reach(0.1);
  const end = await reach(0.9);
  await reach(1);
  await shipping;
  if (end.held === first.held) throw new Error('too few lines to measure');
  const rate = ((end.held - first.held) / (end.at - first.at)) * 1000;
  process.stderr.write(`pipeline: ${Math.round(rate)} documents/s\n`);
  await store.settle('millrace-pipeline-*', lines);
  await delay(35_000); // the shards' objects are closed after half a minute without a record
  rates.pipeline.push(rate);
  for (const [name, cpuS] of end.cpuS) {
    const usedS = cpuS - (first.cpuS.get(name) ?? 0);
    rates.partsUs.set(name, (usedS * 1e6) / (end.held - first.held));
  }
  rates.logBytes = statSync(log).size;
  rates.archivedBytes = (await archiveBytes(stack)) - archivedBefore;
  await store.remove('millrace-pipeline-*');
}

/** Probes among 1,000 lines/s: milliseconds from appending a line to the first answer that has it, sorted. */
async function measureLatency(seconds: number): Promise<number[]> {
  const file = join(logs, 'live.log');
  const steady = accessLogLines(1_000_000, 3);
  const writer = setInterval(() => {
    appendFileSync(file, Array.from({ length: 50 }, () => String(steady.next().value)).join(''));
  }, 50);
  const found: number[] = [];
  try {
    await delay(5000);
    const end = performance.now() + seconds * 1000;
    for (let probe = 0; performance.now() < end; probe++) {
      const token = `probe${process.pid}x${probe}`;
      const written = performance.now();
      appendFileSync(file, `${token}\n`);
      for (;;) {
        const answer = await fetch(`${stack.url}/api/v1/search?q=${token}&from=now-15m&size=1`);
        const { hits } = (await answer.json()) as { hits: unknown[] };
        if (hits.length > 0) break;
        if (performance.now() - written > 60_000) throw new Error(`${token} was not found within a minute`);
        await delay(20);
      }
      found.push(Math.round(performance.now() - written));
      await delay(systemClock.random() * 700); // so that probes do not fall into step with timers
    }
  } finally {
    clearInterval(writer);
  }
  return found.sort((a, b) => a - b);
}

try {
  await main();
} finally {
  await millrace('down', '--data', stack.dataDir);
  rmSync(dir, { recursive: true, force: true });
}
