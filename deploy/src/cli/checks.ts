import { join } from 'node:path';
import type { CliContext } from './command.ts';
import { runNode, runProgram } from './run-program.ts';

/** The checks of the code itself, cheapest first. */
const checks: [title: string, command: string, ...args: string[]][] = [
  ['format and lint', 'biome', 'ci', '--colors=off', '--error-on-warnings', '.'],
  ['types', 'tsc'],
  ['types of the page', 'tsc', '-p', 'search-api/web'],
  ['promises', 'oxlint', '--type-aware', '--deny-warnings'],
  ['dead code', 'knip'],
];

/** Runs all checks, also after one has failed; resolves with the titles of those that did. */
export async function runChecks(context: CliContext): Promise<string[]> {
  const failed: string[] = [];
  for (const [title, command, ...args] of checks) {
    context.stderr(`check: ${title}\n`);
    const program = join(context.root, 'node_modules', '.bin', command);
    const path = `${join(process.execPath, '..')}:${context.env.PATH ?? ''}`;
    const code = await runProgram(context, program, args, { cwd: context.root, env: { PATH: path } });
    if (code !== 0) failed.push(title);
  }
  context.stderr('check: tidy\n');
  const tidy = join(context.root, 'core/src/tidy.test.ts');
  if ((await runNode(context, ['--test', '--test-reporter=dot', tidy], { cwd: context.root })) !== 0)
    failed.push('tidy');
  return failed;
}
