import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { agentCommand } from '@millrace/deploy/local/agent-command.ts';
import { accessLogLines, writeAccessLog } from './lib/access-log.ts';
import { measure, median, processCpuS, type Usage } from './lib/measure.ts';
import { report, table } from './lib/report.ts';

/** What an agent costs on its server: CPU a line while backfilling, and records and bytes a line when little comes. */
const { values } = parseArgs({
  options: {
    small: { type: 'string', default: '1000000' },
    large: { type: 'string', default: '10000000' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '30' },
  },
});
const small = Number(values.small);
const large = Number(values.large);
/** As `./millrace agent` and `./millrace up` start it. */
const agent = agentCommand(fileURLToPath(new URL('../', import.meta.url)));
const sinkMain = fileURLToPath(new URL('./lib/null-kinesis.ts', import.meta.url));

interface SinkStats {
  requests: number;
  records: number;
  wireBytes: number;
  dataBytes: number;
}

async function withSink<T>(
  work: (endpoint: string, stats: () => Promise<SinkStats>) => Promise<T>,
): Promise<T> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const sink = spawn(process.execPath, [sinkMain, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(sink.stdout, 'data');
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    return await work(endpoint, async () => (await fetch(endpoint)).json() as Promise<SinkStats>);
  } finally {
    sink.kill();
  }
}

function writeConfig(dir: string, paths: string, endpoint: string): string {
  const file = join(dir, 'agent.conf');
  writeFileSync(
    file,
    `<system>
  state_dir ${join(dir, 'state')}
  log_level warn
</system>
<source>
  @type tail
  path ${paths}
  tag bench
  read_from_head true
  <parse>
    @type nginx
  </parse>
</source>
<match **>
  @type kinesis_streams
  stream_name bench
  region us-east-1
  endpoint ${endpoint}
  aws_key_id x
  aws_sec_key y
</match>
`,
  );
  return file;
}

async function backfill(
  dir: string,
  log: string,
  lines: number,
): Promise<{ usage: Usage; stats: SinkStats }> {
  return withSink(async (endpoint, stats) => {
    rmSync(join(dir, 'state'), { recursive: true, force: true });
    const config = writeConfig(dir, log, endpoint);
    const usage = await measure(process.execPath, [...agent, 'run', '--config', config, '--once']);
    process.stderr.write(`agent, ${lines} lines: ${usage.cpuS.toFixed(2)} s CPU\n`);
    return { usage, stats: await stats() };
  });
}

/** 200 files with a line a second each: what a quiet server sends. */
async function trickle(
  dir: string,
  files: number,
  seconds: number,
): Promise<{ cpuS: number; lines: number; stats: SinkStats }> {
  return withSink(async (endpoint, stats) => {
    const folder = join(dir, 'trickle');
    mkdirSync(folder);
    const lines = accessLogLines(files * (seconds + 2), 7);
    const paths = Array.from({ length: files }, (_, i) => join(folder, `service-${i}.log`));
    rmSync(join(dir, 'state'), { recursive: true, force: true });
    const config = writeConfig(dir, join(folder, '*.log'), endpoint);
    const child = spawn(process.execPath, [...agent, 'run', '--config', config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    let count = 0;
    const start = performance.now();
    await delay(1500);
    const cpuBefore = processCpuS(child.pid ?? 0);
    const measured = performance.now();
    while (performance.now() - measured < seconds * 1000) {
      // Spread over the second, as independent services are.
      for (let i = 0; i < files / 20; i++)
        appendFileSync(paths[count++ % files] ?? '', String(lines.next().value));
      await delay(Math.max(0, start + 1500 + (count / files) * 1000 - performance.now()));
    }
    const cpuS = processCpuS(child.pid ?? 0) - cpuBefore;
    await stop(child);
    return { cpuS, lines: count, stats: await stats() };
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the agent exited with ${code}`);
}

const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
try {
  const smallLog = join(dir, 'small.log');
  const largeLog = join(dir, 'large.log');
  const smallBytes = writeAccessLog(smallLog, small);
  writeAccessLog(largeLog, large);
  const pairs: { small: Usage; large: Usage; gzipSmall: Usage; gzipLarge: Usage; stats: SinkStats }[] = [];
  for (let run = 0; run < Number(values.runs); run++) {
    const a = await backfill(dir, smallLog, small);
    const b = await backfill(dir, largeLog, large);
    const gzipSmall = await measure('gzip', ['-1', '-c', smallLog]);
    const gzipLarge = await measure('gzip', ['-1', '-c', largeLog]);
    pairs.push({ small: a.usage, large: b.usage, gzipSmall, gzipLarge, stats: a.stats });
  }
  const marginal = (of: (pair: (typeof pairs)[0]) => [Usage, Usage]) =>
    median(pairs.map((pair) => ((of(pair)[1].cpuS - of(pair)[0].cpuS) / (large - small)) * 1e6));
  const ours = marginal((pair) => [pair.small, pair.large]);
  const gzip = marginal((pair) => [pair.gzipSmall, pair.gzipLarge]);
  const sent = pairs[0]?.stats;
  const quiet = await trickle(dir, 200, Number(values.seconds));
  report('agent', [
    `Backfill of access-log lines (${(smallBytes / small).toFixed(0)} bytes each) into a Kinesis that accepts everything,`,
    `whole processes, median of ${pairs.length} runs; marginal = (${large} lines − ${small} lines) / difference.`,
    '',
    ...table(
      ['', 'CPU µs a line, marginal', 'CPU s of the small file', 'wall s of the small file', 'max RSS MB'],
      [
        [
          'agent run --once',
          ours.toFixed(2),
          median(pairs.map((pair) => pair.small.cpuS)).toFixed(2),
          median(pairs.map((pair) => pair.small.wallS)).toFixed(2),
          Math.max(...pairs.map((pair) => pair.large.rssMb)).toFixed(0),
        ],
        [
          'gzip -1 (plain reader)',
          gzip.toFixed(2),
          median(pairs.map((pair) => pair.gzipSmall.cpuS)).toFixed(2),
          median(pairs.map((pair) => pair.gzipSmall.wallS)).toFixed(2),
          Math.max(...pairs.map((pair) => pair.gzipLarge.rssMb)).toFixed(0),
        ],
      ],
    ),
    '',
    `Ratio agent / gzip -1: **${(ours / gzip).toFixed(2)}**. Sent: ${sent?.records} records in ${sent?.requests} calls, ` +
      `${((sent?.dataBytes ?? 0) / 1e6).toFixed(1)} MB of blocks for ${(smallBytes / 1e6).toFixed(1)} MB of lines.`,
    '',
    `200 files × 1 line/s for ${values.seconds} s (linger 0.5 s): ${(quiet.stats.dataBytes / quiet.lines).toFixed(1)} bytes and ` +
      `${(quiet.stats.records / quiet.lines).toFixed(4)} records a line (${(quiet.stats.records / Number(values.seconds)).toFixed(1)} records/s), ` +
      `${((quiet.cpuS / Number(values.seconds)) * 100).toFixed(1)} % of a core.`,
  ]);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
