import { parseArgs } from 'node:util';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** What a command gets from the outside world; nothing below main.ts looks for it elsewhere. */
export interface CliContext {
  /** The project's root folder. */
  root: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Bytes to stdout; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** True when stderr is a terminal, where lines may be redrawn. */
  tty: boolean;
  /** True when stdout is one: colours, and a pager. */
  stdoutTty?: boolean;
}

export interface Option {
  type: 'string' | 'boolean';
  /** May be given several times. */
  multiple?: true;
  /** Name of the value in the help: GLOB, DIR, N. */
  value?: string;
  default?: string;
  help: string;
}

/** Parsed command line: an option that was not given and has no default is absent. */
export interface Parsed {
  strings: Record<string, string | undefined>;
  lists: Record<string, string[]>;
  flags: Record<string, boolean>;
  positionals: string[];
}

export interface Command {
  name: string;
  /** One line for the table of commands. */
  summary: string;
  /** What stands behind `./millrace` in the usage line. */
  usage: string;
  /** More than the summary, for `--help`. */
  details?: string;
  options: Record<string, Option>;
  /** How many arguments without dashes it takes. */
  positionals: { min: number; max: number };
  examples: string[];
  /** Exit codes besides 0 and 2, with their meaning. */
  exits: [code: number, meaning: string][];
  /** Resolves with the exit code. */
  run(context: CliContext, parsed: Parsed): Promise<number>;
  /** Instead of `run`: everything behind the name goes on as it is, also --help. */
  passOn?(context: CliContext, args: string[]): Promise<number>;
}

/** 0 done · 1 failed · 2 wrong usage or config · 3 nothing runs there. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const;

/**
 * Parses a command's arguments.
 * @throws MillraceError USAGE that names the nearest option for an unknown one
 */
export function parseCommand(command: Command, args: string[]): Parsed {
  const known = { ...command.options, help: { type: 'boolean' } as const };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, option]) => [
      name,
      { type: option.type, multiple: 'multiple' in option && option.multiple === true },
    ]),
  );
  let result: ReturnType<typeof parseArgs>;
  try {
    result = parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(command, error, Object.keys(known));
  }
  const { min, max } = command.positionals;
  const count = result.positionals.length;
  if (result.values.help !== true && (count < min || count > max)) {
    const what =
      count < min ? 'an argument is missing' : `"${result.positionals[max]}" is one argument too many`;
    throw new MillraceError('USAGE', `${command.name}: ${what}`, {
      hint: `usage: ./millrace ${command.usage}`,
    });
  }
  return collect(command, result);
}

function collect(command: Command, result: ReturnType<typeof parseArgs>): Parsed {
  const parsed: Parsed = { strings: {}, lists: {}, flags: {}, positionals: result.positionals };
  parsed.flags.help = result.values.help === true;
  for (const [name, option] of Object.entries(command.options)) {
    const value = result.values[name];
    if (option.type === 'boolean') parsed.flags[name] = value === true;
    else if (option.multiple) parsed.lists[name] = Array.isArray(value) ? value.map(String) : [];
    else parsed.strings[name] = typeof value === 'string' ? value : option.default;
  }
  return parsed;
}

function usageError(command: Command, error: unknown, known: string[]): MillraceError {
  const code = (error as NodeJS.ErrnoException).code;
  const [, dashes = '--', name = ''] = /'(--?)([^'\s=]+)/.exec(messageOf(error)) ?? [];
  const dashed = command.positionals.max > 0 ? '; write -- before an argument that begins with -' : '';
  const hint = `./millrace ${command.name} --help lists the options${dashed}`;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const near = suggest(name, known);
    const question = near === undefined ? '' : `, did you mean --${near}?`;
    return new MillraceError('USAGE', `${command.name}: unknown option ${dashes}${name}${question}`, {
      hint,
    });
  }
  return new MillraceError('USAGE', `${command.name}: ${messageOf(error).split(/\.\s/)[0]}`, { hint });
}

/**
 * An integer option within its bounds.
 * @throws MillraceError USAGE
 */
export function integerOption(parsed: Parsed, name: string, min: number, max: number): number {
  const text = parsed.strings[name] ?? '';
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new MillraceError('USAGE', `--${name} "${text}" is not a number from ${min} to ${max}`);
}
