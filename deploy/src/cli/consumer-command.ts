import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';
import { stackPaths } from '../local/config-files.ts';
import { isAlive, stackVariable } from '../local/identity.ts';
import { partEnv } from '../local/part-env.ts';
import { readRunFile } from '../local/run-file.ts';
import { type CliContext, type Command, exitCodes, type Option } from './command.ts';
import { optionsText } from './help.ts';
import { runProgram } from './run-program.ts';
import { dataDirOf, dataOption } from './stack-options.ts';

type Texts = Pick<Command, 'name' | 'summary' | 'usage' | 'examples'>;

/** What all of them have in common: the consumer's own help does not know the first, nor that the second is a choice. */
const whereOptions: Record<string, Option> = {
  data: dataOption,
  config: {
    type: 'string',
    value: 'FILE',
    help: "A consumer.json in place of --data: AWS, or another machine's stack, with your own credentials.",
  },
};

/**
 * A command that the consumer's program carries out. `--data DIR` chooses a local stack; `--config FILE` a
 * consumer.json instead, with the caller's own credentials; all else goes on as it is.
 */
export function consumerCommand(texts: Texts): Command {
  return {
    ...texts,
    options: whereOptions,
    positionals: { min: 0, max: Number.POSITIVE_INFINITY },
    exits: [
      [1, 'it found a problem, or failed'],
      [3, 'nothing runs there'],
    ],
    run: async () => exitCodes.usage,
    async passOn(context, args) {
      const program = [join(context.root, 'consumer', 'src', 'main.ts'), texts.name];
      const quiet = { NODE_NO_WARNINGS: '1' };
      const own = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
      const elsewhere = own.some((arg) => /^--config(=|$)/.test(arg));
      const asksForHelp = own.some((arg) => arg === '--help' || arg === '-h');
      if (elsewhere || asksForHelp) {
        const code = await runProgram(context, process.execPath, [...program, ...args], { env: quiet });
        if (asksForHelp) context.stdout(`\nWhich stack:\n${optionsText(whereOptions)}`);
        return code;
      }
      const { dataDir, rest } = withoutData(context, args);
      const paths = stackPaths(dataDir);
      const run = readRunFile(paths);
      if (run === undefined || !isAlive(run.supervisor) || !existsSync(paths.consumerConfig)) {
        context.stderr(`nothing runs in ${dataDir}; ./millrace up starts it, --config FILE reads another\n`);
        return exitCodes.notRunning;
      }
      // Without the stack's mark: this is no part of it, that a later start would have to end.
      const env = { ...partEnv(context.env, dataDir), ...quiet, [stackVariable]: undefined };
      const all = [...program, '--config', paths.consumerConfig, ...rest];
      return runProgram({ ...context, env: {} }, process.execPath, all, { env });
    },
  };
}

function withoutData(context: CliContext, args: string[]): { dataDir: string; rest: string[] } {
  const rest: string[] = [];
  let given: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      rest.push(...args.slice(i));
      break;
    }
    if (arg === '--data') {
      given = args[++i];
      if (given === undefined) throw new MillraceError('USAGE', '--data needs a folder');
    } else if (arg.startsWith('--data=')) given = arg.slice('--data='.length);
    else rest.push(arg);
  }
  const strings = given === undefined ? {} : { data: resolve(context.cwd, given) };
  return { dataDir: dataDirOf(context, { strings, lists: {}, flags: {}, positionals: [] }), rest };
}
