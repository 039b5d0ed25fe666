import { execFile } from 'node:child_process';
import { type ErrorCode, MillraceError } from '@millrace/core/errors.ts';

/**
 * Runs a program to its end; resolves to what it printed.
 * @throws MillraceError ENGINE_MISSING when there is no such program, `code` (ENGINE_FAILED) with its last words when
 * it fails
 */
export function runTool(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; code?: ErrorCode; hint?: string } = {},
): Promise<string> {
  const { code = 'ENGINE_FAILED', hint, ...rest } = options;
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...rest, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT')
        reject(new MillraceError('ENGINE_MISSING', `there is no ${command} here`, hints(hint)));
      else {
        const said = (stderr.trim() || stdout.trim() || error.message).slice(-2_000);
        reject(new MillraceError(code, `${command} ${args[0] ?? ''}: ${said}`, hints(hint)));
      }
    });
  });
}

function hints(hint: string | undefined): { hint?: string } {
  return hint === undefined ? {} : { hint };
}
