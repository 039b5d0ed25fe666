import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { runChecks } from '../checks.ts';
import { type CliContext, type Command, exitCodes, type Parsed } from '../command.ts';
import { awsTests } from '../deploy-tests.ts';
import { runNode } from '../run-program.ts';

type Group = (context: CliContext, parsed: Parsed) => Promise<number>;

/** Groups of tests by name; each resolves with its exit code. */
const groups: Record<string, Group> = {
  check: async (context) => ((await runChecks(context)).length === 0 ? exitCodes.ok : exitCodes.failed),
  unit: (context) =>
    nodeTests(context, ['core', 'archive', 'consumer', 'search-api', 'deploy'], '**/*.test.ts'),
  agent: (context) => nodeTests(context, ['agent'], '**/*.test.ts'),
  packages: (context) => nodeTests(context, ['e2e/packages'], '*.test.ts'),
  e2e: (context) => endToEnd(context),
  // On one stack: starting it takes half a minute.
  'search+ui': (context) =>
    endToEnd(context, ...filesOf(context, 'e2e/search'), ...filesOf(context, 'e2e/ui')),
  chaos: (context, parsed) => endToEnd(context, ...chaosArguments(parsed, 3)),
};

/** What takes too long for every change. */
const longGroups: Record<string, Group> = {
  simulation: simulations,
  models: (context) =>
    runTests(context, ['agent/src/model.test.ts', 'core/src/document/fuzz.test.ts'], {
      MILLRACE_TEST_SEEDS: 'random',
    }),
  schemathesis: (context) =>
    endToEnd(context, 'e2e/search/schemathesis.test.ts', '--minutes', String(fullSchemathesisMinutes)),
  long: (context) => endToEnd(context, ...filesOf(context, 'e2e/long', (file) => file !== chaosFile)),
  deploy: deployTests,
  'game-day': playGameDay,
};

/** A part of the others, for whoever works on that. */
const partGroups: Record<string, Group> = {
  consumer: async (context) => {
    const unit = await nodeTests(context, ['archive', 'consumer'], '**/*.test.ts');
    const whole = await endToEnd(
      context,
      ...filesOf(context, 'e2e/tests', (file) => !/\/(?:agent|page)/.test(file)),
    );
    return unit === exitCodes.ok ? whole : unit;
  },
  search: (context) => endToEnd(context, ...filesOf(context, 'e2e/search')),
  ui: (context) => endToEnd(context, ...filesOf(context, 'e2e/ui')),
  compose: (context) => nodeTests(context, ['e2e/compose'], '**/*.test.ts'),
  aws: awsTests,
};

const allGroups: Record<string, Group> = { ...groups, ...longGroups, ...partGroups };
/** Long enough to meet what three minutes do not. */
const fullChaosMinutes = 10;
/** In the group search it runs for one. */
const fullSchemathesisMinutes = 10;
const chaosFile = 'e2e/long/chaos.test.ts';

export const test: Command = {
  name: 'test',
  summary: 'Test: the checks, the unit tests, and everything end to end on the real engines.',
  usage: 'test [GROUP | FILE]…',
  details:
    `Groups are ${Object.keys(groups).join(', ')}; without one, all of them in that order. ` +
    `${Object.keys(longGroups).join(', ')} take longer; full is everything. ` +
    "search and ui are halves of search+ui, consumer is the consumer's part of unit and e2e, " +
    'aws and compose are parts of deploy.',
  options: {
    minutes: { type: 'string', value: 'N', help: 'How long chaos lasts: 3, or 10 in full.' },
    seed: { type: 'string', value: 'N', help: 'The choices that chaos makes, as an earlier run named them.' },
  },
  positionals: { min: 0, max: 100 },
  examples: ['./millrace test', './millrace test unit', './millrace test core/src/wire/wire.test.ts'],
  exits: [[1, 'a test failed']],
  async run(context, parsed) {
    const given = parsed.positionals.length === 0 ? Object.keys(groups) : parsed.positionals;
    const isFull = given.includes('full');
    const names = given.flatMap((name) =>
      name === 'full' ? Object.keys({ ...groups, ...longGroups }) : [name],
    );
    const runs = names.map((name) => ({
      name,
      run: (Object.hasOwn(allGroups, name) && allGroups[name]) || oneFile(context, name),
    }));
    if (isFull) parsed.strings.minutes ??= String(fullChaosMinutes);
    const failed: string[] = [];
    const took: string[] = [];
    for (const { name, run } of runs) {
      context.stderr(`\ntest: ${name}\n`);
      const startedMs = context.clock.monotonic();
      if ((await run(context, parsed)) !== exitCodes.ok) failed.push(name);
      took.push(`${name} ${Math.round((context.clock.monotonic() - startedMs) / 1_000)} s`);
    }
    context.stderr(`\ntest: took ${took.join(', ')}\n`);
    context.stderr(failed.length === 0 ? '\ntest: all good\n' : `\ntest: failed: ${failed.join(', ')}\n`);
    return failed.length === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

function oneFile(context: CliContext, name: string): Group {
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
  const needsStack = ['tests', 'long', 'search', 'ui', 'deploy'].some((folder) =>
    path.startsWith(join(context.root, 'e2e', folder)),
  );
  if (needsStack) return () => endToEnd(context, path);
  return () => runNode(context, ['--test', path], { cwd: context.root });
}

/** All test files of the folders in one run, so that there is one summary, at the end. */
function nodeTests(context: CliContext, folders: string[], pattern: string): Promise<number> {
  const files = folders.flatMap((folder) =>
    globSync(join(folder, pattern), { cwd: context.root, exclude: ['**/node_modules/**', 'deploy/aws/**'] }),
  );
  return runTests(context, files.sort());
}

function runTests(context: CliContext, files: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const cwd = context.root;
  // Node would leave a core free, and of two that is half: most tests wait for processes and timers.
  const options = ['--test', '--test-concurrency=3', '--test-timeout=300000'];
  return runNode(context, [...options, ...files], {
    cwd,
    env: { ...context.env, ...env },
  });
}

function filesOf(
  context: CliContext,
  folder: string,
  take: (file: string) => boolean = () => true,
): string[] {
  return globSync(join(folder, '*.test.ts'), { cwd: context.root }).filter(take).sort();
}

function chaosArguments(parsed: Parsed, minutes: number): string[] {
  const { strings } = parsed;
  const seed = strings.seed === undefined ? [] : ['--seed', strings.seed];
  return [chaosFile, '--minutes', strings.minutes ?? String(minutes), ...seed];
}

/** e2e/run.ts prepares the engines and runs e2e/tests; its arguments are its own. */
function endToEnd(context: CliContext, ...args: string[]): Promise<number> {
  return runNode(context, [join(context.root, 'e2e', 'run.ts'), ...args], { cwd: context.root });
}

/** deploy/ as a whole: each part to its end, whatever became of the others. */
async function deployTests(context: CliContext): Promise<number> {
  const codes = [
    await awsTests(context),
    await nodeTests(context, ['e2e/compose'], '**/*.test.ts'),
    await endToEnd(context, ...filesOf(context, 'e2e/deploy')),
  ];
  return codes.find((code) => code !== exitCodes.ok) ?? exitCodes.ok;
}

async function simulations(context: CliContext): Promise<number> {
  const file = join(context.root, 'agent/src/simulation.test.ts');
  for (let run = 0; run < 20; run++) {
    const code = await runNode(context, ['--test', file], { cwd: context.root });
    if (code !== exitCodes.ok) return code;
  }
  return exitCodes.ok;
}

/** Its folder is kept when something was not as expected. */
async function playGameDay(context: CliContext): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'millrace-game-day-'));
  const main = join(context.root, 'deploy/src/cli/main.ts');
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) context.stderr('game-day: without disk-full, as only root may mount a small disk\n');
  const without = isRoot ? [] : ['--without', 'disk-full'];
  const args = [main, 'game-day', '--data', data, ...without];
  const code = await runNode(context, args, { cwd: context.root });
  if (code === exitCodes.ok) rmSync(data, { recursive: true, force: true });
  return code;
}
