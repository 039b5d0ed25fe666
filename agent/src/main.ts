import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { runAgent } from './agent.ts';
import { checkConfig } from './check.ts';
import { loadPipeline } from './config/load.ts';
import { preview } from './preview/preview.ts';
import { createKinesisClient } from './ship/kinesis.ts';

const usage = `Usage:
  agent run --config FILE [--once]   tail files and ship them; --once: ship everything to its end, then exit
  agent check --config FILE          validate a configuration and print the compiled pipeline
  agent preview FILE [options]       show live how a parser reads a file (agent preview --help)

Exit codes: 0 everything read is acknowledged; 1 failed, or stopped with blocks left in the outbox;
2 the command line or the configuration is wrong.
`;

async function main(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  const environment = {
    env: process.env,
    hostname: hostname(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  if (command === '--help' || command === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (command === 'preview') return preview(rest, environment);
  if (command !== 'run' && command !== 'check') {
    throw new MillraceError('USAGE', command === undefined ? 'no command' : `unknown command ${command}`, {
      hint: `one of run, check, preview\n${usage}`,
    });
  }
  const options = {
    config: { type: 'string' },
    once: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args: rest, options });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (values.config === undefined)
    throw new MillraceError('USAGE', `agent ${command} needs --config FILE`, { hint: usage });
  if (command === 'check') {
    process.stdout.write(checkConfig(values.config, environment));
    return 0;
  }
  const pipeline = loadPipeline(values.config, environment);
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => controller.abort());
  const drained = await runAgent({
    pipeline,
    once: values.once ?? false,
    machineId: machineId(),
    clock: systemClock,
    log: createLogger('agent', pipeline.system.logLevel),
    createClient: createKinesisClient,
    signal: controller.signal,
  });
  return drained ? 0 : 1;
}

/** What tells this machine from a clone of its image; the host name where the system has no machine id. */
function machineId(): string {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      const id = readFileSync(path, 'utf8').trim();
      if (id !== '') return id;
    } catch {
      // Containers and other systems have none: the next one, then the host name.
    }
  }
  return hostname();
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const hint = isMillraceError(error) && error.hint !== undefined ? `\n  ${error.hint}` : '';
  process.stderr.write(`agent: ${messageOf(error)}${hint}\n`);
  const badInput = isMillraceError(error, 'USAGE') || isMillraceError(error, 'CONFIG_INVALID');
  const badArgs = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ?? false;
  process.exitCode = badInput || badArgs ? 2 : 1;
}
