import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { LoadEnvironment } from './config/load.ts';
import type { Pipeline } from './config/pipeline.ts';

const usage = `Usage:
  agent run --config FILE [--once]   tail files and ship them; --once: ship everything to its end, then exit
  agent check --config FILE          validate a configuration and print the compiled pipeline
  agent drain --config FILE [--deadline 60s]
                                     have the running agent ship everything and end; past the deadline what is left
                                     goes to the archive, where the output has a <spill>
  agent lifecycle --config FILE [--hook millrace-drain] [--group NAME] [--deadline 60s] [--limit 10m] [--interval 5s]
                                     on an EC2 instance: wait until its Auto Scaling group, or EC2 in need of a spot
                                     instance, lets it go; then drain the agent and complete the lifecycle action
  agent import --config FILE [--pos-file FILE]... [--dry-run]
                                     take over the positions of fluentd, which has stopped, from its pos_files
  agent preview FILE [options]       show live how a parser reads a file (agent preview --help)
  agent --version                    print the version

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
  if (command === '--version') {
    process.stdout.write(`${packageJson.version}\n`);
    return 0;
  }
  // Each command loads what it needs.
  if (command === 'preview') {
    const { preview } = await import('./preview/preview.ts');
    return preview(rest, environment);
  }
  const run = command === undefined ? undefined : commands[command];
  if (run === undefined) {
    throw new MillraceError('USAGE', command === undefined ? 'no command' : `unknown command ${command}`, {
      hint: `one of ${Object.keys(commands).join(', ')}, preview\n${usage}`,
    });
  }
  const options = {
    config: { type: 'string' },
    once: { type: 'boolean' },
    deadline: { type: 'string', default: '60s' },
    hook: { type: 'string', default: 'millrace-drain' },
    group: { type: 'string' },
    limit: { type: 'string', default: '10m' },
    interval: { type: 'string', default: '5s' },
    'pos-file': { type: 'string', multiple: true },
    'dry-run': { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args: rest, options });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { config } = values;
  if (config === undefined)
    throw new MillraceError('USAGE', `agent ${command} needs --config FILE`, { hint: usage });
  return run({ ...values, config }, environment);
}

interface Arguments {
  config: string;
  once?: boolean | undefined;
  deadline: string;
  hook: string;
  group?: string | undefined;
  limit: string;
  interval: string;
  'pos-file'?: string[] | undefined;
  'dry-run'?: boolean | undefined;
}

/** Each loads what it needs, and nothing else. */
const commands: Readonly<
  Record<string, (values: Arguments, environment: LoadEnvironment) => Promise<number>>
> = {
  async check({ config }, environment) {
    const { checkConfig } = await import('./check.ts');
    process.stdout.write(checkConfig(config, environment));
    return 0;
  },
  async drain({ config, deadline }, environment) {
    const { drainAgent } = await import('./control/drain.ts');
    const { stateDir } = (await loadConfig(config, environment)).system;
    const { code, text } = await drainAgent(stateDir, deadline);
    process.stdout.write(text);
    return code;
  },
  async lifecycle({ config, hook, group, deadline, limit, interval }, environment) {
    const { watchInstance } = await import('./lifecycle/command.ts');
    const controller = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => controller.abort());
    const where = {
      stateDir: async () => (await loadConfig(config, environment)).system.stateDir,
      metadataEndpoint: environment.env.AWS_EC2_METADATA_SERVICE_ENDPOINT,
    };
    await watchInstance({ hook, group, deadline, limit, interval }, where, controller.signal);
    return 0;
  },
  async import({ config, 'pos-file': posFiles, 'dry-run': dryRun }, environment) {
    const { importCommand } = await import('./import/command.ts');
    process.stdout.write(
      importCommand({ config, posFiles, dryRun: dryRun ?? false, machineId: machineId(), environment }),
    );
    return 0;
  },
  async run({ config, once }, environment) {
    const { runUntilStopped } = await import('./run.ts');
    const { createKinesisClient } = await import('./ship/kinesis.ts');
    const { loadPipeline } = await import('./config/load.ts');
    const drained = await runUntilStopped({
      once: once ?? false,
      machineId: machineId(),
      createClient: createKinesisClient,
      load: () => loadPipeline(config, environment),
      onSignal(handler) {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => handler('stop'));
        process.on('SIGHUP', () => handler('reload'));
      },
    });
    // A reader of standard output that has stopped reading would keep the process.
    if (process.stdout.writableLength > 0) process.exit(drained ? 0 : 1);
    return drained ? 0 : 1;
  },
};

/** Its plugins are most of the program, which one that only waits does not need. */
async function loadConfig(path: string, environment: LoadEnvironment): Promise<Pipeline> {
  const { loadPipeline } = await import('./config/load.ts');
  return loadPipeline(path, environment);
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

// No top-level await: the packaged executable runs a CommonJS bundle.
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const hint = isMillraceError(error) && error.hint !== undefined ? `\n  ${error.hint}` : '';
    process.stderr.write(`agent: ${messageOf(error)}${hint}\n`);
    const badInput = isMillraceError(error, 'USAGE') || isMillraceError(error, 'CONFIG_INVALID');
    const badArgs = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ?? false;
    process.exitCode = badInput || badArgs ? 2 : 1;
  },
);
