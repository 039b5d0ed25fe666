import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRenderer } from '@millrace/core/document/render.ts';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { bulkAction } from '@millrace/core/store/action.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { awsEnvironment, endpoint, millrace, type StackUnderTest } from '../e2e/harness/stack.ts';
import { accessLogLines, writeAccessLog } from './lib/access-log.ts';
import { measure, median } from './lib/measure.ts';
import { report, table } from './lib/report.ts';

/** From stream to index beside a bare bulk loader, and from a line's writing to its being found. */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '600000' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '60' },
    'port-base': { type: 'string', default: '7000' },
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
const node = endpoint(stack, 'opensearch');

async function main(): Promise<void> {
  const up = ['up', '--detach', '--data', stack.dataDir, '--port-base', values['port-base']];
  const started = await millrace(...up, '--logs', join(logs, '*.log'), '--store-heap', '1g');
  if (started.code !== 0) throw new Error(started.stdout + started.stderr);
  const bare: number[] = [];
  const pipeline: number[] = [];
  for (let run = 0; run < Number(values.runs); run++) {
    bare.push(await loadBare(run));
    pipeline.push(await loadThroughPipeline(run));
  }
  const latency = await measureLatency(Number(values.seconds));
  const rate = (rates: number[]) => Math.round(median(rates)).toLocaleString('en-US');
  const quantile = (q: number) =>
    latency[Math.min(latency.length - 1, Math.floor(latency.length * q))] ?? Number.NaN;
  report('pipeline', [
    `${lines.toLocaleString('en-US')} access-log lines a run into one OpenSearch (heap 1 GB), everything on this machine,`,
    `runs in turns, median of ${values.runs}. Pipeline: stream → KCL → 2 children → archive and index.`,
    '',
    ...table(
      ['', 'documents/s', 'runs'],
      [
        ['bare `_bulk` loader, ready-made bodies', rate(bare), bare.map(Math.round).join(', ')],
        ['pipeline', rate(pipeline), pipeline.map(Math.round).join(', ')],
      ],
    ),
    '',
    `Ratio pipeline / bare: **${(median(pipeline) / median(bare)).toFixed(2)}**.`,
    '',
    `Line written → found by the search API, ${latency.length} probes beside 1,000 lines/s: p50 **${quantile(0.5)} ms**, ` +
      `p90 ${quantile(0.9)} ms, p99 ${quantile(0.99)} ms.`,
  ]);
}

/** The pipeline's own documents, made beforehand. */
function writeBodies(path: string, run: number): void {
  const renderer = createRenderer();
  const fd = openSync(path, 'w');
  const generation = mintGeneration(systemClock);
  const rule = ruleText({ v: 1, parse: { type: 'nginx' } });
  const now = Date.now();
  let offset = 0;
  let body = '';
  const flush = () => {
    const bytes = Buffer.from(body);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    writeSync(fd, head);
    writeSync(fd, bytes);
    body = '';
  };
  let batch: string[] = [];
  const render = () => {
    const payload = Buffer.from(batch.join(''));
    const run: Block['header']['runs'][0] = {
      source: 0,
      from: offset,
      to: offset + payload.length,
      capturedMs: now,
      size: payload.length,
      filler: false,
      continues: false,
      continued: false,
    };
    const source = { generation, path: '/var/log/nginx/access.log', tag: 'bench', rule: 0 };
    const header = {
      host: 'bench',
      agent: generation,
      stream: 'bare',
      rules: [rule],
      sources: [source],
      runs: [run],
    };
    const block: Block = { header, payload };
    renderer.renderBlock(block, blockRecords(block), (document) => {
      body += bulkAction(document, new Date(now).toISOString());
      if (body.length > 5 * 1024 * 1024) flush();
    });
    offset += payload.length;
    batch = [];
  };
  for (const line of accessLogLines(lines, 1000 + run)) {
    batch.push(line);
    if (batch.length === 5000) render();
  }
  if (batch.length > 0) render();
  if (body !== '') flush();
  closeSync(fd);
}

async function loadBare(run: number): Promise<number> {
  const file = join(dir, 'bodies');
  writeBodies(file, run);
  await fetch(`${node}/millrace-bare-*`, { method: 'DELETE' });
  const usage = await measure(process.execPath, [
    fileURLToPath(new URL('./lib/bulk-loader.ts', import.meta.url)),
    node,
    file,
  ]);
  rmSync(file);
  await settle('bare', lines);
  await fetch(`${node}/millrace-bare-*`, { method: 'DELETE' });
  process.stderr.write(`bare: ${Math.round(lines / usage.wallS)} documents/s\n`);
  return lines / usage.wallS;
}

/** Ships a file at full speed and watches the index grow; from the first tenth to the last. */
async function loadThroughPipeline(run: number): Promise<number> {
  const log = join(dir, 'backfill.txt');
  writeAccessLog(log, lines, 2000 + run);
  const config = join(dir, 'agent.conf');
  writeFileSync(
    config,
    `<system>
state_dir ${join(dir, `state-${run}`)}
log_level warn
</system>
<source>
@type tail
path ${log}
tag bench
read_from_head true
<parse>
@type nginx
</parse>
</source>
<match **>
@type kinesis_streams
stream_name millrace
region us-east-1
endpoint ${endpoint(stack, 'kinesis')}
stream pipeline
</match>
`,
  );
  const agent = fileURLToPath(new URL('../agent/src/main.ts', import.meta.url));
  const env = { ...process.env, ...awsEnvironment };
  const shipping = measure(process.execPath, [agent, 'run', '--config', config, '--once'], { env });
  const samples: { at: number; count: number }[] = [];
  let last = 0;
  while (last < lines) {
    last = await indexed('pipeline');
    samples.push({ at: performance.now(), count: last });
    await delay(100);
  }
  await shipping;
  const first = samples.find((sample) => sample.count >= lines * 0.1);
  const end = samples.find((sample) => sample.count >= lines * 0.9);
  if (first === undefined || end === undefined || end.at === first.at)
    throw new Error('too few lines to measure');
  const rate = ((end.count - first.count) / (end.at - first.at)) * 1000;
  process.stderr.write(`pipeline: ${Math.round(rate)} documents/s\n`);
  await settle('pipeline', lines);
  await fetch(`${node}/millrace-pipeline-*`, { method: 'DELETE' });
  return rate;
}

/** Documents indexed since the index was made, refreshed or not. */
async function indexed(stream: string): Promise<number> {
  const response = await fetch(`${node}/millrace-${stream}-*/_stats/indexing`);
  const answer = (await response.json()) as {
    _all?: { primaries?: { indexing?: { index_total?: number } } };
  };
  return answer._all?.primaries?.indexing?.index_total ?? 0;
}

async function settle(stream: string, count: number): Promise<void> {
  await fetch(`${node}/millrace-${stream}-*/_refresh`, { method: 'POST' });
  const response = await fetch(`${node}/millrace-${stream}-*/_count`);
  const answer = (await response.json()) as { count: number };
  if (answer.count !== count) throw new Error(`${stream}: ${answer.count} documents, expected ${count}`);
  await delay(3000);
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
