import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { agentCommand } from '@millrace/deploy/local/agent-command.ts';
import { accessLogLines } from './access-log.ts';
import { measure, processCpuS, type Usage } from './measure.ts';
import { type Sink, type SinkStats, withSink } from './sink.ts';

/** Node's arguments for the agent as `./millrace agent` and `./millrace up` start it. */
const agentArgs: string[] = agentCommand(fileURLToPath(new URL('../../', import.meta.url)));

const json = '<format>\n    @type json\n  </format>';

/** First lines of the output's section, by what is sent. */
export const payloads = {
  blocks: '@type kinesis_streams',
  events: `@type kinesis_streams\n  payload events\n  ${json}`,
  aggregated: `@type kinesis_streams_aggregated\n  ${json}`,
} as const;

/** Where an agent of a bench sends to. `stream`: the Millrace stream, where it is not the default. */
export interface AgentTarget {
  endpoint: string;
  streamName: string;
  stream?: string;
}

/** Writes an agent's configuration for the files at `paths`, with no state from before; its path. */
export function writeAgentConfig(
  dir: string,
  paths: string,
  { endpoint, streamName, stream }: AgentTarget,
  payload: keyof typeof payloads = 'blocks',
): string {
  rmSync(join(dir, 'state'), { recursive: true, force: true });
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
  ${payloads[payload]}
  stream_name ${streamName}
  region us-east-1
  endpoint ${endpoint}${stream === undefined ? '' : `\n  stream ${stream}`}
  aws_key_id x
  aws_sec_key y
</match>
`,
  );
  return file;
}

/** Ships what there is, to the last acknowledgement. */
export function shipOnce(config: string): Promise<Usage> {
  return measure(process.execPath, [...agentArgs, 'run', '--config', config, '--once']);
}

/** The sink takes the records of any stream. */
export function sinkTarget({ port }: Sink): AgentTarget {
  return { endpoint: `http://127.0.0.1:${port}`, streamName: 'bench' };
}

/** What an agent used while files got lines, or none, as fast as they come on a server. */
export interface Standing {
  cpuS: number;
  lines: number;
  stats: SinkStats;
}

/**
 * An agent that follows `files` files for `seconds`, after it has settled; `lively`: each of them gets a line a second,
 * spread over the second as independent services do.
 */
export async function follow(
  dir: string,
  { files, seconds, lively }: { files: number; seconds: number; lively: boolean },
): Promise<Standing> {
  return withSink(async (sink) => {
    const folder = join(dir, 'followed');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const lines = accessLogLines(files * (seconds + 3), 7);
    const paths = Array.from({ length: files }, (_, i) => join(folder, `service-${i}.log`));
    for (const path of paths) appendFileSync(path, String(lines.next().value));
    const config = writeAgentConfig(dir, join(folder, '*.log'), sinkTarget(sink));
    const child = spawn(process.execPath, [...agentArgs, 'run', '--config', config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    // Files are hot, and looked at often, for ten seconds after their last line.
    await delay(lively ? 2_000 : 14_000);
    const before = await sink.stats();
    const cpuBefore = processCpuS(child.pid ?? 0);
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < seconds * 1000) {
      if (!lively) {
        await delay(100);
        continue;
      }
      for (let i = 0; i < files / 20; i++)
        appendFileSync(paths[count++ % files] ?? '', String(lines.next().value));
      await delay(Math.max(0, start + (count / files) * 1000 - performance.now()));
    }
    const cpuS = processCpuS(child.pid ?? 0) - cpuBefore;
    // Before the stop, which ships what was being gathered.
    const after = await sink.stats();
    await stop(child);
    const records = after.records - before.records;
    const dataBytes = after.dataBytes - before.dataBytes;
    return { cpuS, lines: count, stats: { ...after, records, dataBytes } };
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the agent exited with ${code}`);
}
