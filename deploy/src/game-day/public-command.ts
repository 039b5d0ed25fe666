import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { CliContext } from '../cli/command.ts';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `./millrace` with these arguments, as a person would. Resolves whatever its exit code is. */
export type Millrace = (args: string[]) => Promise<Outcome>;

const outputBytesMax = 256 * 1024 * 1024;

export function publicCommands({ root, cwd, env }: CliContext): Millrace {
  const main = join(root, 'deploy', 'src', 'cli', 'main.ts');
  return (args) =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [main, ...args],
        { cwd, env: { ...env, NODE_NO_WARNINGS: '1' }, maxBuffer: outputBytesMax },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : Number(error.code);
          resolve({
            code: Number.isInteger(code) ? code : 1,
            stdout,
            stderr: stderr || (error?.message ?? ''),
          });
        },
      );
    });
}
