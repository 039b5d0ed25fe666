import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { suggest } from '@millrace/core/config/suggest.ts';
import { type ErrorCode, isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { type ConsumerCommand, consumerCommands } from './commands/registry.ts';
import { runConsumer } from './consumer.ts';
import { consumerEvents } from './events.ts';
import { loadConfig } from './load-config.ts';

// Documents are made in this process too, with the rules of any block: however it was started (D14).
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
// Documents live until the store has answered: in V8's default young generation, of 16 MiB, each is copied twice
// meanwhile, which costs an eighth of a replay's CPU.
setFlagsFromString('--max-semi-space-size=64');

/** Exit codes: 0 stopped as asked or fine, 2 usage or configuration, 1 anything else. */
async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = consumerCommands.find((candidate) => candidate.name === name);
  const usage = command?.usage ?? programUsage();
  try {
    if (asksForHelp(args)) {
      process.stdout.write(usage);
      return 0;
    }
    const { file, others } = takeConfig(rest);
    if (file === undefined) throw new MillraceError('USAGE', 'expected: --config FILE');
    if (command !== undefined) return await runCommand(command, file, others);
    if (name !== 'run' && name !== 'check') throw unknownCommand(name);
    if (others[0] !== undefined) throw new MillraceError('USAGE', `${name}: unknown argument "${others[0]}"`);
    if (name === 'run') await run(file);
    else check(file);
    return 0;
  } catch (error) {
    const wrongArguments = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
    const hint = isMillraceError(error) && error.hint !== undefined ? `\n${error.hint}` : '';
    process.stderr.write(`${messageOf(error)}${hint}\n${wrongArguments ? `\n${usage}` : ''}`);
    const refused = usageErrors.some((code) => isMillraceError(error, code));
    return refused || wrongArguments ? 2 : 1;
  }
}

/** What the user wrote is wrong; everything else is a failure of what they asked for. */
const usageErrors: ErrorCode[] = ['USAGE', 'CONFIG_INVALID', 'QUERY_INVALID'];

function programUsage(): string {
  const all = consumerCommands.map(({ name, summary }) => `  ${name.padEnd(12)}  ${summary}\n`).join('');
  return `usage: node consumer/src/main.ts COMMAND --config FILE

  run           Consume the stream: archive its blocks to S3, index their events. Stops on SIGTERM or SIGINT.
  check         Say what is wrong with a configuration.
${all}
COMMAND --help tells everything about one of them.
`;
}

function asksForHelp(args: string[]): boolean {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  return own.includes('--help') || own.includes('-h');
}

function unknownCommand(name: string | undefined): MillraceError {
  const names = ['run', 'check', ...consumerCommands.map((command) => command.name)];
  const near = name === undefined ? undefined : suggest(name, names);
  return new MillraceError(
    'USAGE',
    name === undefined
      ? 'a command is missing'
      : `unknown command "${name}"${near ? `, did you mean "${near}"?` : ''}`,
    { hint: `commands: ${names.join(', ')}` },
  );
}

/** Takes `--config FILE` out of the arguments, wherever it stands before a `--`. */
function takeConfig(args: string[]): { file: string | undefined; others: string[] } {
  const others: string[] = [];
  let file: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      others.push(...args.slice(i));
      break;
    }
    if (arg === '--config') file = args[++i];
    else if (arg.startsWith('--config=')) file = arg.slice('--config='.length);
    else others.push(arg);
  }
  return { file, others };
}

function check(configFile: string): void {
  loadConfig(configFile);
  process.stdout.write(`${configFile} is valid\n`);
}

async function run(configFile: string): Promise<void> {
  const config = loadConfig(configFile);
  await runConsumer({
    config,
    configFile,
    env: process.env,
    host: hostname(),
    clock: systemClock,
    log: createLogger('consumer', config.log_level),
    signal: stopSignal(),
  });
}

async function runCommand(command: ConsumerCommand, configFile: string, args: string[]): Promise<number> {
  const config = loadConfig(configFile);
  // People read stderr: only what keeps a command from its work is a log line there.
  const log = createLogger(command.name, 'error');
  return command.run(args, {
    config,
    clock: systemClock,
    stdout: writerTo(process.stdout),
    stderr: (text) => process.stderr.write(text),
    tty: process.stderr.isTTY === true,
    signal: stopSignal(),
    log,
    telemetry: createTelemetry('consumer', consumerEvents, log),
  });
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

function writerTo(stream: NodeJS.WriteStream): (data: string | Uint8Array) => Promise<void> {
  // A reader that closes the pipe early (`| head`) ends us quietly, as it does other programs.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return (data) =>
    new Promise((resolve) => {
      stream.write(data, () => resolve());
    });
}

process.exit(await main(process.argv.slice(2)));
