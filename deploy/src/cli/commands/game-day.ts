import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { GameDay } from '../../game-day/day.ts';
import { disasters } from '../../game-day/disasters/all.ts';
import type { Disaster } from '../../game-day/disasters/disaster.ts';
import { publicCommands } from '../../game-day/public-command.ts';
import { runGameDay } from '../../game-day/run.ts';
import { SmallDisk } from '../../game-day/small-disk.ts';
import { startThrottledStream } from '../../game-day/throttle.ts';
import { stackPaths } from '../../local/config-files.ts';
import { stackPorts } from '../../local/ports.ts';
import { type CliContext, type Command, exitCodes, integerOption, type Parsed } from '../command.ts';

/** Beside the stack that `up` makes without options. */
const portBase = '6900';

export const gameDay: Command = {
  name: 'game-day',
  summary: 'Lose the store, the leases, the positions, a region; fill a disk; and count what is left.',
  usage: 'game-day [DISASTER…] [--without NAME]… [--data DIR] [--port-base N]',
  details:
    `Disasters are ${disasters.map(({ name }) => name).join(', ')}; without one, all of them in that order\n` +
    '(docs/operations/game-day.md). It starts a stack of its own and stops it: it never touches another one.',
  options: {
    without: { type: 'string', multiple: true, value: 'NAME', help: 'Leave one out.' },
    data: {
      type: 'string',
      value: 'DIR',
      help: 'An empty or new folder for all of it (default .millrace/game-day in the project).',
    },
    'port-base': { type: 'string', value: 'N', default: portBase, help: 'First of nine ports.' },
    list: { type: 'boolean', help: 'Say what they are, and do none.' },
  },
  positionals: { min: 0, max: disasters.length },
  examples: [
    './millrace game-day',
    './millrace game-day store-lost leases-lost',
    './millrace game-day --without disk-full',
  ],
  exits: [[1, 'something was not as expected; the folder is kept']],
  async run(context, parsed) {
    const chosen = chosenOf(parsed);
    if (parsed.flags.list) {
      for (const { name, summary, expects } of chosen)
        context.stdout(`${name}\n  ${summary}\n  ${expects}\n`);
      return exitCodes.ok;
    }
    const dir = emptyFolder(context, parsed);
    const base = integerOption(parsed, 'port-base', 1024, 65_526);
    return play(context, chosen, dir, base);
  },
};

/** @throws MillraceError USAGE that names the nearest disaster for an unknown one */
function chosenOf(parsed: Parsed): Disaster[] {
  const names = disasters.map(({ name }) => name);
  const without = parsed.lists.without ?? [];
  for (const name of [...parsed.positionals, ...without]) {
    if (names.includes(name)) continue;
    const near = suggest(name, names);
    throw new MillraceError(
      'USAGE',
      `game-day: no disaster "${name}"${near === undefined ? '' : `, did you mean ${near}?`}`,
      { hint: `there are ${names.join(', ')}` },
    );
  }
  const wanted = parsed.positionals.length === 0 ? names : parsed.positionals;
  return disasters.filter(({ name }) => wanted.includes(name) && !without.includes(name));
}

/** Data is deleted in it, so nobody else's may be there. */
function emptyFolder(context: CliContext, parsed: Parsed): string {
  const { data } = parsed.strings;
  const dir = data === undefined ? join(context.root, '.millrace', 'game-day') : resolve(context.cwd, data);
  if (!existsSync(dir) || readdirSync(dir).length === 0) return dir;
  throw new MillraceError('USAGE', `game-day: ${dir} is not empty`, {
    hint: 'it is left from an earlier day, or somebody else’s: delete it, or name another folder with --data',
  });
}

async function play(
  context: CliContext,
  chosen: readonly Disaster[],
  dir: string,
  base: number,
): Promise<number> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, end);
  const ports = stackPorts(base);
  const stream = await startThrottledStream(base + 8, `http://127.0.0.1:${ports.kinesis}`);
  let disk: SmallDisk | undefined;
  try {
    if (chosen.some(({ needsDisk }) => needsDisk)) {
      disk = new SmallDisk(stackPaths(join(dir, 'data')).agentState);
    }
    const say = (text: string): void => context.stdout(text);
    const day = new GameDay({
      dir,
      portBase: base,
      clock: context.clock,
      millrace: publicCommands(context),
      stream,
      say,
      signal: stop.signal,
    });
    const well = await runGameDay(day, chosen, disk, say);
    context.stderr(`its files, logs and data are in ${dir}\n`);
    return well ? exitCodes.ok : exitCodes.failed;
  } finally {
    disk?.unmount();
    await stream.close();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, end);
  }
}
