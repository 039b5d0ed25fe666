import { jsonText, stackPaths } from '../../local/config-files.ts';
import { type PartHealth, readHealth } from '../../local/health.ts';
import { findOrphans, isAlive } from '../../local/identity.ts';
import { type RunFile, readRunFile, recordedProcesses } from '../../local/run-file.ts';
import type { ShardHealth } from '../../local/shard-health.ts';
import { type CliContext, type Command, exitCodes } from '../command.ts';
import { dataDirOf, dataOption } from '../stack-options.ts';
import { duration, table } from '../table.ts';

export const status: Command = {
  name: 'status',
  summary: 'Show each part of a stack: process, port, health, lag and throughput; and each shard.',
  usage: 'status [--data DIR] [--json]',
  options: { data: dataOption, json: { type: 'boolean', help: 'Print JSON.' } },
  positionals: { min: 0, max: 0 },
  examples: ['./millrace status', "./millrace status --json | jq '.parts[] | {name, health}'"],
  exits: [
    [1, 'a part is not healthy, or parts run without their supervisor'],
    [3, 'nothing runs there'],
  ],
  async run(context, parsed) {
    const paths = stackPaths(dataDirOf(context, parsed));
    const run = readRunFile(paths);
    const json = parsed.flags.json === true;
    if (run === undefined || !isAlive(run.supervisor)) return unsupervised(context, paths.dataDir, run, json);
    const parts = await readHealth(run, context.clock);
    const healthy = run.ready && parts.every((part) => part.health === 'ok');
    if (json) {
      const { url, portBase: port_base, ready } = run;
      const supervisor = { pid: run.supervisor.pid };
      context.stdout(
        jsonText({ running: true, healthy, ready, url, port_base, data: paths.dataDir, supervisor, parts }),
      );
    } else {
      context.stdout(text(run, parts));
    }
    return healthy ? exitCodes.ok : exitCodes.failed;
  },
};

function unsupervised(context: CliContext, data: string, run: RunFile | undefined, json: boolean): number {
  const orphans = findOrphans(data, recordedProcesses(run));
  const code = orphans.length > 0 ? exitCodes.failed : exitCodes.notRunning;
  if (json) context.stdout(jsonText({ running: false, data, parts: [], orphans }));
  else if (orphans.length === 0) context.stderr(`nothing runs in ${data}; ./millrace up starts it\n`);
  else
    context.stderr(
      `the supervisor of ${data} is gone, and ${orphans.length} of its processes run on: ` +
        './millrace up starts anew and ends them, ./millrace down ends them\n',
    );
  return code;
}

function text(run: RunFile, parts: PartHealth[]): string {
  const rows = parts.map((part) => [
    part.name,
    part.pid === undefined ? '-' : String(part.pid),
    part.port === undefined ? '-' : String(part.port),
    part.health,
    part.uptime_s === undefined ? '-' : duration(part.uptime_s),
    String(part.restarts),
    part.lag === undefined ? '-' : `${part.lag.value} ${part.lag.unit}`,
    part.throughput === undefined ? '-' : `${part.throughput.value} ${part.throughput.unit}`,
  ]);
  const all = [['PART', 'PID', 'PORT', 'HEALTH', 'UP', 'RESTARTS', 'LAG', 'THROUGHPUT'], ...rows];
  const shards = parts.flatMap((part) => part.shards ?? []).map(shardRow);
  const tables = [table(all), ...(shards.length > 0 ? [table([shardHead, ...shards])] : [])];
  const starting = run.ready ? '' : ', still starting';
  return `${run.url}  (supervisor ${run.supervisor.pid}${starting})\n${tables.join('\n')}`;
}

const shardHead = ['SHARD', 'BEHIND', 'CHECKPOINT LAG', 'RECORDS', 'EVENTS', 'SET ASIDE'];

function shardRow(shard: ShardHealth): string[] {
  return [
    shard.shard,
    `${shard.iterator_age_ms} ms`,
    duration(shard.checkpoint_lag_ms / 1000),
    `${shard.records_per_s} /s`,
    `${shard.events_per_s} /s`,
    String(shard.set_aside),
  ];
}
