import { matchesGlob, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { LoadEnvironment } from '../config/load.ts';
import { loadPipeline } from '../config/load.ts';
import { compileParseOption } from '../config/parse-option.ts';
import type { TailSource } from '../config/pipeline.ts';
import { type FollowOutput, followFile } from './follow.ts';

const usage = `Usage:
  agent preview FILE [--config FILE | --format FORMAT] [--lines N]

Shows each record of FILE as its parser reads it, and goes on as lines are written, until Ctrl-C.

  --config FILE    read it as the <source> that follows it does
  --format FORMAT  none (default), json, nginx, or /a Ruby expression with (?<name>groups)/
  --lines N        last lines to begin with, about (default 10; 0: new ones only)
`;

/**
 * `agent preview`: returns the exit code when `signal` aborts, or at SIGINT or SIGTERM where none is given.
 * @throws MillraceError USAGE or CONFIG_INVALID
 */
export async function preview(
  args: string[],
  environment: LoadEnvironment,
  output: FollowOutput = terminal(),
): Promise<number> {
  const options = readArguments(args);
  if (options === 'help') {
    output.write(usage);
    return 0;
  }
  const { file, config, format, lines } = options;
  const source =
    config === undefined
      ? { ...compileParseOption(format ?? 'none', environment), multilineFlushMs: 0 }
      : sourceOf(loadPipeline(config, environment).sources, file, config);
  await followFile({ file, lines, source }, output);
  return 0;
}

function terminal(): FollowOutput {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());
  return {
    write: (text) => void process.stdout.write(text),
    clock: systemClock,
    signal: controller.signal,
  };
}

interface Options {
  file: string;
  config: string | undefined;
  format: string | undefined;
  lines: number;
}

function readArguments(args: string[]): Options | 'help' {
  const parsed = parsedArguments(args);
  if (parsed.values.help) return 'help';
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) throw refused('one file is expected');
  const { config, format, lines = '10' } = parsed.values;
  if (config !== undefined && format !== undefined) throw refused('--config and --format exclude each other');
  if (!/^\d{1,6}$/.test(lines)) throw refused(`--lines ${lines}: a whole number is expected`);
  return { file, config, format, lines: Number(lines) };
}

function parsedArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        format: { type: 'string' },
        lines: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw refused(messageOf(cause));
  }
}

/** The source of a configuration that follows a file. */
function sourceOf(sources: TailSource[], file: string, config: string): TailSource {
  const path = resolve(file);
  const matches = (glob: string) => matchesGlob(path, glob.replace(/%[a-zA-Z]/g, '*'));
  const source = sources.find(
    ({ paths, excludePaths }) => paths.some(matches) && !excludePaths.some(matches),
  );
  if (source) return source;
  throw new MillraceError('USAGE', `preview: no <source> of ${config} follows ${path}`, {
    hint: `it follows ${sources.flatMap(({ paths }) => paths).join(', ')}; or give --format`,
  });
}

function refused(what: string): MillraceError {
  return new MillraceError('USAGE', `preview: ${what}`, { hint: usage });
}
