import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { fetchEngines } from '../../local/fetch.ts';
import { findJava, findMaven } from '../../local/java.ts';
import { parseOverrides } from '../../local/overrides.ts';
import { buildPage } from '../../local/page.ts';
import { openStack, type Stack, type StackOptions } from '../../local/stack.ts';
import { type CliContext, type Command, exitCodes, integerOption, type Parsed } from '../command.ts';
import { detach, reportToParent } from '../detach.ts';
import { createProgress, type Progress } from '../progress.ts';
import { dataDirOf, dataOption, portBaseOption } from '../stack-options.ts';

export const up: Command = {
  name: 'up',
  summary: 'Start all of Millrace on this machine: agent, stream, archive, index, search and its page.',
  usage: 'up [--logs GLOB]… [--data DIR] [--port-base N] [--demo] [--detach]',
  details:
    'The first start fetches the engines (230 MB, through Maven) into .millrace/ and takes some minutes. It is up\n' +
    'when a test line has gone the whole way from a file into search. Ctrl-C stops everything, a second one at once.',
  options: {
    logs: {
      type: 'string',
      multiple: true,
      value: 'GLOB',
      help: "Files to follow, from their first byte. Without it: the usual system logs, and Millrace's own.",
    },
    data: dataOption,
    'port-base': portBaseOption,
    demo: {
      type: 'boolean',
      help: 'Write believable access, application and JSON logs, and follow them too.',
    },
    detach: { type: 'boolean', help: 'Return when it is up, and let it run on in the background.' },
    shards: { type: 'string', value: 'N', default: '2', help: 'Shards of the stream, at its first start.' },
    set: {
      type: 'string',
      multiple: true,
      value: 'FILE.KEY=VALUE',
      help: 'Put a value into a generated configuration: consumer.archive.object_age_ms_max=60000.',
    },
    'store-heap': { type: 'string', value: 'SIZE', default: '512m', help: "OpenSearch's Java heap." },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    './millrace up --demo',
    "./millrace up --logs '/var/log/*.log' --logs '/srv/app/log/*.log'",
    './millrace up --detach --data /var/tmp/second --port-base 6800',
  ],
  exits: [[1, 'it could not be started; nothing is left running']],
  async run(context, parsed) {
    const settings = settingsOf(context, parsed);
    if (parsed.flags.detach) return detach(context, parsed, settings.dataDir);
    const parent = reportToParent();
    try {
      return await supervise(context, settings, parent);
    } catch (error) {
      if (isMillraceError(error)) parent?.failed(error);
      throw error;
    }
  },
};

type Settings = Pick<StackOptions, 'dataDir' | 'portBase' | 'heap' | 'shards' | 'logs' | 'overrides'>;

function settingsOf(context: CliContext, parsed: Parsed): Settings {
  const heap = parsed.strings['store-heap'] ?? '';
  if (!/^\d{1,6}[mg]$/.test(heap)) {
    throw new MillraceError('USAGE', `--store-heap "${heap}" is no size such as 512m or 2g`);
  }
  return {
    dataDir: dataDirOf(context, parsed),
    portBase: integerOption(parsed, 'port-base', 1024, 65_528),
    heap,
    shards: integerOption(parsed, 'shards', 1, 64),
    overrides: parseOverrides(parsed.lists.set ?? []),
    logs: { globs: parsed.lists.logs ?? [], cwd: context.cwd, demo: parsed.flags.demo === true },
  };
}

/** Runs the stack in this process until a signal ends it. */
async function supervise(
  context: CliContext,
  settings: Settings,
  parent: ReturnType<typeof reportToParent>,
): Promise<number> {
  const progress = parent?.progress ?? createProgress(context);
  const java = await findJava(context.env);
  const engines = join(context.root, '.millrace', 'engines');
  const maven = () => findMaven(context.env, java);
  const files = await fetchEngines(engines, maven, context.clock, (text) => progress.now(text));
  progress.now('building the page');
  await buildPage(context.root);
  makeFolder(settings.dataDir);
  const stack = await openStack({
    ...settings,
    root: context.root,
    files,
    java,
    env: context.env,
    clock: context.clock,
    changed: (parts) => progress.parts(parts),
  });
  const signals = stopOnSignals(stack, progress, parent?.gone);
  try {
    const tookMs = await Promise.race([stack.start(), signals.asked]);
    if (tookMs !== undefined) {
      progress.end();
      progress.say(
        `Millrace is up: a test line was found ${(tookMs / 1000).toFixed(1)} s after it was written.`,
      );
      progress.say(`  ${stack.url}`);
      parent?.ready();
      await signals.asked;
    }
  } catch (error) {
    progress.end();
    await stack.stop();
    throw error;
  }
  progress.say('stopping: the agent drains first, the engines go last (Ctrl-C again: at once)');
  await stack.stop();
  progress.end();
  return exitCodes.ok;
}

/** `asked` resolves at the first signal, or when a parent that waits for us is gone; the second signal kills. */
function stopOnSignals(
  stack: Stack,
  progress: Progress,
  parentGone: Promise<void> | undefined,
): { asked: Promise<undefined> } {
  let count = 0;
  const asked = new Promise<undefined>((resolve) => {
    const stop = (): void => {
      count++;
      resolve(undefined);
      if (count > 1) {
        progress.say('killing what is left');
        stack.kill();
      }
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
    parentGone?.then(stop, stop);
  });
  return { asked };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const hint = 'choose a folder that you may write with --data DIR';
    throw new MillraceError('STATE_UNWRITABLE', `the data folder ${folder} cannot be made`, { hint, cause });
  }
}
