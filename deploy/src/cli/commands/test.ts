import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { runChecks } from '../checks.ts';
import { type CliContext, type Command, exitCodes } from '../command.ts';
import { runNode } from '../run-program.ts';

/** Groups of tests by name; each resolves with its exit code. */
const groups: Record<string, (context: CliContext) => Promise<number>> = {
  check: async (context) => ((await runChecks(context)).length === 0 ? exitCodes.ok : exitCodes.failed),
  unit: (context) =>
    nodeTests(context, ['core', 'archive', 'consumer', 'search-api', 'deploy'], '**/*.test.ts'),
  agent: (context) => nodeTests(context, ['agent'], '**/*.test.ts'),
  packages: (context) => nodeTests(context, ['e2e/packages'], '*.test.ts'),
  e2e: (context) => endToEnd(context),
};

/** What takes too long for every change: the groups, then random kills, and the agent's simulation with other seeds. */
const longGroups: typeof groups = {
  simulation: simulations,
  chaos: (context) => endToEnd(context, '--long'),
};

const allGroups: typeof groups = { ...groups, ...longGroups };

export const test: Command = {
  name: 'test',
  summary: 'Test: the checks, the unit tests, and everything end to end on the real engines.',
  usage: 'test [GROUP | FILE]…',
  details:
    `Groups are ${Object.keys(groups).join(', ')}; without one, all of them in that order. ` +
    `${Object.keys(longGroups).join(' and ')} take longer; full is everything.`,
  options: {},
  positionals: { min: 0, max: 100 },
  examples: ['./millrace test', './millrace test unit', './millrace test core/src/wire/wire.test.ts'],
  exits: [[1, 'a test failed']],
  async run(context, parsed) {
    const given = parsed.positionals.length === 0 ? Object.keys(groups) : parsed.positionals;
    const names = given.flatMap((name) => (name === 'full' ? Object.keys(allGroups) : [name]));
    const runs = names.map((name) => ({
      name,
      run: (Object.hasOwn(allGroups, name) && allGroups[name]) || oneFile(context, name),
    }));
    const failed: string[] = [];
    for (const { name, run } of runs) {
      context.stderr(`\ntest: ${name}\n`);
      if ((await run(context)) !== exitCodes.ok) failed.push(name);
    }
    context.stderr(failed.length === 0 ? '\ntest: all good\n' : `\ntest: failed: ${failed.join(', ')}\n`);
    return failed.length === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

function oneFile(context: CliContext, name: string): (context: CliContext) => Promise<number> {
  const path = [join(context.cwd, name), join(context.root, name)].find((candidate) => existsSync(candidate));
  if (path === undefined || !path.endsWith('.test.ts')) {
    const near = suggest(name, [...Object.keys(allGroups), 'full']);
    throw new MillraceError(
      'USAGE',
      `test: no group or test file "${name}"${near ? `, did you mean ${near}?` : ''}`,
      {
        hint: `groups are ${Object.keys(allGroups).join(', ')}, full`,
      },
    );
  }
  // Tests of the whole need a running stack.
  const needsStack = ['tests', 'long'].some((folder) => path.startsWith(join(context.root, 'e2e', folder)));
  if (needsStack) return () => endToEnd(context, path);
  return () => runNode(context, ['--test', path], { cwd: context.root });
}

/** All test files of the folders in one run, so that there is one summary, at the end. */
function nodeTests(context: CliContext, folders: string[], pattern: string): Promise<number> {
  const files = folders.flatMap((folder) =>
    globSync(join(folder, pattern), { cwd: context.root, exclude: ['**/node_modules/**'] }),
  );
  return runNode(context, ['--test', '--test-timeout=300000', ...files.sort()], { cwd: context.root });
}

/** e2e/run.ts prepares the engines and runs e2e/tests; its arguments are its own. */
function endToEnd(context: CliContext, ...args: string[]): Promise<number> {
  return runNode(context, [join(context.root, 'e2e', 'run.ts'), ...args], { cwd: context.root });
}

async function simulations(context: CliContext): Promise<number> {
  const file = join(context.root, 'agent/src/simulation.test.ts');
  for (let run = 0; run < 20; run++) {
    const code = await runNode(context, ['--test', file], { cwd: context.root });
    if (code !== exitCodes.ok) return code;
  }
  return exitCodes.ok;
}
