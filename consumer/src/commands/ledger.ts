import { isForNow, type Ledger, type LedgerRequest } from '@millrace/archive/ledger/ledger.ts';
import { openLedger } from '@millrace/archive/ledger/open.ts';
import type { GapCause, LedgerReport } from '@millrace/archive/ledger/report.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { parseSpan } from '@millrace/core/query/span.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { startHealthServer } from '@millrace/core/telemetry/health-server.ts';
import { integerFlag, parseArguments, timeWindow } from './arguments.ts';
import { agentText, gapText, ledgerText, unseenText } from './ledger-text.ts';
import type { CommandContext, ConsumerCommand } from './registry.ts';

const usage = `usage: ledger [--stream NAME] [--host HOST] [--file PATH] [--since TIME] [--older-than TIME] [--json]
       ledger --watch [--interval TIME] [--metrics PORT] [the same]

Says of each file what was written, shipped, archived and indexed, and names every byte that is missing.

  --stream NAME      One Millrace stream (default: all).
  --host HOST        One host, as its agent names it.
  --file PATH        One file, or a pattern with *.
  --since TIME       Objects that arrived since then: -24h (default), now-3d, 2026-11-22.
  --older-than TIME  What is missing for less long is on its way (default 10m). Units: s, m, h.
  --json             One JSON object a line: files, gaps, agents, and a summary.
  --no-files         With --json: no lines of files, which may be many.
  --watch            Looks again every --interval (default 60s); ends with 1 at the first gap.
  --metrics PORT     With --watch: serves gauges at http://127.0.0.1:PORT/metrics, and goes on after a gap.
  --files-max N      Files of a stream that it has room for (default 500000, some 3 KB each).

Exit: 0 all is accounted for, 1 a gap, a silent agent, or something that could not be looked at, 2 usage.
`;

const flags = {
  stream: { type: 'string' },
  host: { type: 'string' },
  file: { type: 'string' },
  since: { type: 'string', default: 'now-24h' },
  'older-than': { type: 'string', default: '10m' },
  interval: { type: 'string', default: '60s' },
  metrics: { type: 'string' },
  'files-max': { type: 'string', default: '500000' },
  watch: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  'no-files': { type: 'boolean', default: false },
} as const;

/** Footers kept between two looks. */
const memoryBytesMax = 256 * 1024 * 1024;

export const ledger: ConsumerCommand = {
  name: 'ledger',
  summary: 'Account for every byte of every file; name what is missing, and why.',
  usage,
  async run(args, context) {
    const { values, positionals } = parseArguments(args, flags);
    if (positionals[0] !== undefined)
      throw new MillraceError('USAGE', `ledger: unknown argument "${positionals[0]}"`);
    if (values['no-files'] && !values.json) throw new MillraceError('USAGE', '--no-files needs --json');
    if (values.metrics !== undefined && !values.watch)
      throw new MillraceError('USAGE', '--metrics needs --watch');
    const { config, clock } = context;
    const request = (): LedgerRequest => ({
      stream: values.stream,
      host: values.host,
      file: values.file,
      sinceMs: timeWindow(values.since, undefined, clock.now()).fromMs ?? 0,
      olderThanMs: span('older-than', values['older-than']),
    });
    const intervalMs = span('interval', values.interval);
    if (intervalMs === 0) throw new MillraceError('USAGE', '--interval 0 would never rest');
    const metricsPort =
      values.metrics === undefined ? undefined : integerFlag('metrics', values.metrics, 0, 65_535);
    const filesMax = integerFlag('files-max', values['files-max'], 1, 100_000_000);
    request();
    const objects = createS3(config.archive);
    const store = await createStore(config.store, clock);
    try {
      const { prefix } = config.archive;
      const book = openLedger({
        objects,
        prefix,
        store,
        clock,
        memoryBytesMax,
        manifests: 'write',
        filesMax,
        keep: values.watch,
      });
      if (values.watch) return await watch(book, { request, intervalMs, metricsPort }, context);
      const report = await book.read(request(), context.signal);
      await print(report, values, context);
      return problemsOf(report).length === 0 ? 0 : 1;
    } finally {
      objects.close();
      await store.close();
    }
  },
};

interface Watch {
  request(): LedgerRequest;
  intervalMs: number;
  /** Absent: the first gap ends it. */
  metricsPort: number | undefined;
}

/** Looks again and again. A store or an archive that does not answer is told, and no gap. */
async function watch(
  book: Ledger,
  { request, intervalMs, metricsPort }: Watch,
  context: CommandContext,
): Promise<number> {
  const { clock, signal, stdout, stderr } = context;
  let last: LedgerReport | undefined;
  const server = metricsPort === undefined ? undefined : await serveMetrics(metricsPort, () => last, context);
  try {
    while (!signal.aborted) {
      try {
        last = await book.read(request(), signal);
        const problems = problemsOf(last);
        for (const line of problems) await stdout(`${new Date(last.at_ms).toISOString()} ${line}\n`);
        if (server === undefined && problems.length > 0) return 1;
      } catch (error) {
        if (signal.aborted) break;
        if (!isForNow(error)) throw error;
        stderr(`the ledger cannot be read now: ${messageOf(error)}\n`);
      }
      await clock.sleep(intervalMs, signal);
    }
    return 0;
  } finally {
    server?.close();
    server?.closeAllConnections();
  }
}

function serveMetrics(port: number, last: () => LedgerReport | undefined, { log }: CommandContext) {
  const telemetry = createTelemetry('ledger', {}, log);
  const gaps = (value: (gap: LedgerReport['gaps'][number]) => number) => (): [GapCause, number][] => {
    const sums = new Map<GapCause, number>();
    for (const gap of last()?.gaps ?? []) sums.set(gap.cause, (sums.get(gap.cause) ?? 0) + value(gap));
    return [...sums];
  };
  telemetry.gaugeBy(
    'gaps',
    'Gaps by their likely cause.',
    'cause',
    gaps(() => 1),
  );
  telemetry.gaugeBy(
    'missing_bytes',
    'Bytes in gaps by likely cause.',
    'cause',
    gaps(({ bytes }) => bytes),
  );
  const agents = (state: string) => last()?.agents.filter((agent) => agent.state === state).length ?? 0;
  telemetry.gauge('silent_agents', 'Agents without heartbeats that did not say they stop.', () =>
    agents('silent'),
  );
  telemetry.gauge('alive_agents', 'Agents with heartbeats.', () => agents('alive'));
  telemetry.gauge(
    'in_flight_bytes',
    'Bytes that are missing, but not for long.',
    () => last()?.in_flight.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0,
  );
  telemetry.gauge('files', 'Files that are accounted for.', () => last()?.files.length ?? 0);
  telemetry.gauge(
    'read_timestamp_seconds',
    'When the ledger was read last; 0: never.',
    () => (last()?.at_ms ?? 0) / 1000,
  );
  return startHealthServer({
    host: '127.0.0.1',
    port,
    notReady: () => (last() === undefined ? 'the ledger was not read yet' : undefined),
    metrics: () => telemetry.registry.metrics(),
  });
}

/** Why not all is accounted for, a line each. */
function problemsOf({ gaps, agents, incomplete }: LedgerReport): string[] {
  const silent = agents.filter(({ state }) => state === 'silent');
  return [...gaps.map(gapText), ...silent.map(agentText), ...incomplete.map(unseenText)];
}

async function print(
  report: LedgerReport,
  { json, 'no-files': noFiles }: { json: boolean; 'no-files': boolean },
  { stdout }: CommandContext,
): Promise<void> {
  if (!json) return stdout(ledgerText(report));
  const { files, gaps, in_flight: flying, agents, set_aside: aside, ...summary } = report;
  const lines = (type: string, items: readonly object[]) =>
    items.map((item) => `${JSON.stringify({ type, ...item })}\n`).join('');
  if (!noFiles) await stdout(lines('file', files));
  await stdout(lines('gap', gaps) + lines('in_flight', flying));
  await stdout(lines('agent', agents) + lines('set_aside', aside));
  await stdout(lines('summary', [{ ...summary, files: files.length, gaps: gaps.length }]));
}

/** 90s, 10m, 2h in milliseconds. @throws MillraceError USAGE */
function span(name: string, text: string): number {
  const ms = parseSpan(text);
  if (ms !== undefined) return ms;
  throw new MillraceError('USAGE', `--${name} "${text}" is no time such as 90s, 10m or 2h`);
}
