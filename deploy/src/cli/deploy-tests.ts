import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliContext, exitCodes } from './command.ts';
import { runNode, runProgram } from './run-program.ts';

/**
 * Tests of deploy/aws, a package beside the workspaces: its packages, 240 MB, are not those of who runs the local
 * stack, so they are installed here, and its types and unused code are checked here too.
 */
export async function awsTests(context: CliContext): Promise<number> {
  const folder = join(context.root, 'deploy/aws');
  const bin = join(context.root, 'node_modules/.bin');
  const env = { PATH: `${join(process.execPath, '..')}:${context.env.PATH ?? ''}` };
  const steps: [title: string, run: () => Promise<number>][] = [
    ['packages', () => install(context, folder, env)],
    ['types', () => runProgram(context, join(bin, 'tsc'), ['-p', folder], { env })],
    ['dead code', () => runProgram(context, join(bin, 'knip'), ['--directory', folder], { env })],
    ['tests', () => tests(context, folder)],
  ];
  for (const [title, run] of steps) {
    context.stderr(`deploy/aws: ${title}\n`);
    const code = await run();
    if (code !== exitCodes.ok) return code;
  }
  return exitCodes.ok;
}

/** `npm ci`, when the lock file names others than those that are there. */
async function install(context: CliContext, folder: string, env: NodeJS.ProcessEnv): Promise<number> {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const stamp = join(folder, 'node_modules/.millrace-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return exitCodes.ok;
  const code = await runProgram(context, 'npm', ['ci', '--loglevel=error'], { cwd: folder, env });
  if (code === exitCodes.ok) writeFileSync(stamp, lock);
  return code;
}

/** One file at a time: each synthesizes every stage. */
function tests(context: CliContext, folder: string): Promise<number> {
  const files = globSync('src/**/*.test.ts', { cwd: folder }).sort();
  return runNode(context, ['--test', '--test-concurrency=1', '--test-timeout=600000', ...files], {
    cwd: folder,
  });
}
