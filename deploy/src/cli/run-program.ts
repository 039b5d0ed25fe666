import { spawn } from 'node:child_process';
import { type CliContext, exitCodes } from './command.ts';

/**
 * Runs a program in the foreground with our own input and output, and resolves with its exit code. Signals that
 * reach us go on to it, so that it decides how it ends.
 */
export function runProgram(
  context: CliContext,
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const child = spawn(command, args, {
    cwd: options.cwd ?? context.cwd,
    env: { ...context.env, ...options.env },
    stdio: 'inherit',
  });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  // The terminal sends SIGINT to the child by itself; staying alive until it is done is all that is ours to do.
  const wait = (): void => undefined;
  process.on('SIGTERM', forward);
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGTERM', forward);
      process.off('SIGINT', wait);
      resolve(code ?? exitCodes.failed);
    });
  });
}

/** The same with our own Node. */
export function runNode(
  context: CliContext,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  return runProgram(context, process.execPath, args, {
    ...options,
    env: { ...options.env, NODE_NO_WARNINGS: '1' },
  });
}
