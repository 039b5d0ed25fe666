import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeAccessLog } from './lib/access-log.ts';
import {
  follow,
  type payloads,
  type Standing,
  shipOnce,
  sinkTarget,
  writeAgentConfig,
} from './lib/agent-process.ts';
import { measure, median, type Usage } from './lib/measure.ts';
import { findPeers, type PeerCase } from './lib/peers.ts';
import { report, table } from './lib/report.ts';
import { type SinkStats, withSink } from './lib/sink.ts';

/** What a shipper costs on its server: from a file to the last acknowledged record, beside others; and standing still. */
const { values } = parseArgs({
  options: {
    small: { type: 'string', default: '1000000' },
    large: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '30' },
    /** NAME=PATH of a program to measure beside the agent, where it is not on the path. */
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const small = Number(values.small);
const large = Number(values.large);
const seconds = Number(values.seconds);

interface Shipped extends Usage {
  /** From start to the last acknowledgement. */
  arrivedS: number;
  stats: SinkStats | undefined;
}

async function shipByAgent(dir: string, log: string, payload: keyof typeof payloads): Promise<Shipped> {
  return withSink(async (sink) => {
    const config = writeAgentConfig(dir, log, sinkTarget(sink), payload);
    const usage = await shipOnce(config);
    const stats = await sink.stats();
    return { ...usage, arrivedS: (stats.lastMs - usage.startMs) / 1000, stats };
  });
}

async function shipByPeer(
  dir: string,
  log: { path: string; bytes: number },
  program: string,
  { prepare }: PeerCase,
): Promise<Shipped> {
  return withSink(async (sink) => {
    const folder = join(dir, 'peer');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const run = prepare({ dir: folder, log: log.path, lines: small, bytes: log.bytes, sink });
    const usage = await measure(program, run.args, {
      cwd: folder,
      env: { ...run.env },
      ...(run.until ? { until: run.until } : {}),
    });
    const stats = run.arrivedMs ? undefined : await sink.stats();
    if (stats && stats.records < small) throw new Error(`${program} sent ${stats.records} of ${small} lines`);
    const arrivedMs = run.arrivedMs?.() ?? stats?.lastMs ?? 0;
    return { ...usage, arrivedS: (arrivedMs - usage.startMs) / 1000, stats };
  });
}

const agentRows: [title: string, payload: keyof typeof payloads][] = [
  ['**agent**, blocks', 'blocks'],
  ['**agent**, parsed, as JSON', 'events'],
  ['**agent**, parsed, as JSON, aggregated', 'aggregated'],
];

/** Runs of each shipper by its row's title, in turns. */
async function shipAll(
  dir: string,
  found: ReturnType<typeof findPeers>['found'],
): Promise<{
  rows: Map<string, Shipped[]>;
  failed: Set<string>;
  marginal: Map<string, number[]>;
  bytes: number;
}> {
  const path = join(dir, 'small.log');
  const largePath = join(dir, 'large.log');
  const bytes = writeAccessLog(path, small);
  writeAccessLog(largePath, large);
  const rows = new Map<string, Shipped[]>();
  const failed = new Set<string>();
  const note = (title: string, shipped: Shipped) => {
    rows.set(title, [...(rows.get(title) ?? []), shipped]);
    process.stderr.write(`${title}: ${shipped.cpuS.toFixed(2)} s CPU, ${shipped.arrivedS.toFixed(2)} s\n`);
    return shipped;
  };
  const marginal = new Map<string, number[]>();
  const first = join(dir, 'first.log');
  writeAccessLog(first, 1);
  // What Node compiles it keeps for later starts, as `./millrace` has it: with the agent as it is now, there is none yet.
  for (const [, payload] of agentRows) await shipByAgent(dir, first, payload);
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [title, payload] of agentRows) {
      const shipped = note(title, await shipByAgent(dir, path, payload));
      const more = await shipByAgent(dir, largePath, payload);
      const perLine = ((more.cpuS - shipped.cpuS) / (large - small)) * 1e6;
      marginal.set(title, [...(marginal.get(title) ?? []), perLine]);
    }
    for (const { peer, program } of found) {
      for (const item of peer.cases) {
        const title = `${peer.name}, ${item.title}`;
        if (failed.has(title)) continue;
        try {
          note(title, await shipByPeer(dir, { path, bytes }, program, item));
        } catch (error) {
          // The others' figures are as good without it.
          failed.add(title);
          rows.delete(title);
          process.stderr.write(`${title}: ${error instanceof Error ? error.message : error}\n`);
        }
      }
    }
    const gzip = await measure('gzip', ['-1', '-c', path]);
    note('gzip -1 (a plain reader)', { ...gzip, arrivedS: gzip.wallS, stats: undefined });
  }
  return { rows, failed, marginal, bytes };
}

function shippedCells(title: string, runs: Shipped[]): string[] {
  const perLine = runs.map((run) => (run.cpuS / small) * 1e6);
  const [lowest, highest] = [Math.min(...perLine), Math.max(...perLine)].map((value) => value.toFixed(2));
  const stats = runs[0]?.stats;
  const linesPerS = small / median(runs.map((run) => run.arrivedS));
  return [
    title,
    `${median(perLine).toFixed(2)} [${lowest} … ${highest}]`,
    Math.round(linesPerS).toLocaleString('en-US'),
    stats ? (stats.wireBytes / 1e6).toFixed(1) : '',
    stats ? String(stats.requests) : '',
    Math.max(...runs.map((run) => run.rssMb)).toFixed(0),
  ];
}

function standingLine(what: string, { cpuS, lines, stats }: Standing): string {
  const cpu = `${((cpuS / seconds) * 100).toFixed(2)} % of a core`;
  if (lines === 0) return `${what}: ${cpu}.`;
  return (
    `${what} for ${seconds} s (linger 0.5 s): ${(stats.dataBytes / lines).toFixed(1)} bytes and ` +
    `${(stats.records / lines).toFixed(4)} records a line (${(stats.records / seconds).toFixed(1)} records/s), ${cpu}.`
  );
}

const { found, missing } = findPeers(values.peer, process.env.PATH ?? '');
for (const { name, program } of missing)
  process.stderr.write(
    `skipped: ${name}, no ${program} here; --peer ${name}=PATH names one (bench/README.md)\n`,
  );
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
try {
  const { rows, failed, marginal, bytes } = await shipAll(dir, found);
  const lively = await follow(dir, { files: 200, seconds, lively: true });
  const quiet = await follow(dir, { files: 1000, seconds, lively: false });
  const blocks = rows.get('**agent**, blocks')?.[0]?.stats;
  const absent = [...missing.map((peer) => peer.name), ...failed];
  const header = ['', 'CPU µs a line', 'lines/s', 'request bodies MB', 'requests', 'max RSS MB'];
  report('agent', [
    `${small.toLocaleString('en-US')} access-log lines (${(bytes / small).toFixed(0)} bytes each, ${(bytes / 1e6).toFixed(1)} MB) from a file into a Kinesis that accepts`,
    `everything, on the same machine: from the program's start to the last acknowledgement; CPU and memory of its whole`,
    `life. Runs in turns, median of ${values.runs} [lowest … highest].`,
    '',
    ...table(
      header,
      [...rows].map(([title, runs]) => shippedCells(title, runs)),
    ),
    '',
    `Without its start (${large.toLocaleString('en-US')} lines less ${small.toLocaleString('en-US')}), µs a line: ` +
      [...marginal].map(([title, runs]) => `${title} **${median(runs).toFixed(2)}**`).join('; ') +
      '. ' +
      `${blocks?.records} blocks of ${((blocks?.dataBytes ?? 0) / 1e6).toFixed(1)} MB.`,
    ...(absent.length > 0 ? ['', `Not here or failed, not measured: ${absent.join('; ')}.`] : []),
    '',
    standingLine('200 files × 1 line/s', lively),
    '',
    standingLine('1,000 quiet files', quiet),
  ]);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
