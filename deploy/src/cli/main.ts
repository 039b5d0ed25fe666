/** `./millrace` ends here: finds the command, runs it, and turns what went wrong into a sentence and an exit code. */
import { once } from 'node:events';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suggest } from '@millrace/core/config/suggest.ts';
import { type ErrorCode, isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { type CliContext, type Command, exitCodes, parseCommand } from './command.ts';
import { commandHelp, overview } from './help.ts';
import { commands } from './registry.ts';

const context: CliContext = {
  root: resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..'),
  cwd: process.cwd(),
  env: process.env,
  clock: systemClock,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  async write(bytes) {
    if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
  },
  tty: process.stderr.isTTY === true,
  stdoutTty: process.stdout.isTTY === true,
};

/** What the user wrote is wrong; everything else is a failure of what they asked for. */
const usageErrors: ErrorCode[] = ['USAGE', 'CONFIG_INVALID', 'QUERY_INVALID'];

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    context.stdout(rest[0] === undefined ? overview(commands) : commandHelp(commandNamed(rest[0])));
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const command = commandNamed(name);
  if (command.passOn !== undefined) return command.passOn(context, rest);
  const parsed = parseCommand(command, rest);
  if (parsed.flags.help) {
    context.stdout(commandHelp(command));
    return exitCodes.ok;
  }
  return command.run(context, parsed);
}

function commandNamed(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const near = suggest(
    name,
    commands.map((candidate) => candidate.name),
  );
  throw new MillraceError('USAGE', `unknown command "${name}"${near ? `, did you mean "${near}"?` : ''}`, {
    hint: './millrace --help lists the commands',
  });
}

// A reader that closes the pipe early (`| head`) ends us quietly, as it does other programs.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (isMillraceError(error)) {
    context.stderr(`millrace: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    process.exitCode = usageErrors.includes(error.code) ? exitCodes.usage : exitCodes.failed;
  } else {
    context.stderr(`millrace: ${error instanceof Error ? error.stack : messageOf(error)}\n`);
    process.exitCode = exitCodes.failed;
  }
}
