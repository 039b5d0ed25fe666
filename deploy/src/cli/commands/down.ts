import { existsSync } from 'node:fs';
import { MillraceError } from '@millrace/core/errors.ts';
import { stackPaths } from '../../local/config-files.ts';
import { isAlive } from '../../local/identity.ts';
import { stopOrphans } from '../../local/orphans.ts';
import { readRunFile } from '../../local/run-file.ts';
import { type Command, exitCodes } from '../command.ts';
import { dataDirOf, dataOption } from '../stack-options.ts';

/** The graces of all parts one after another, and some; see stagesOf in stack.ts. */
const stopMsMax = 120_000;

export const down: Command = {
  name: 'down',
  summary: 'Stop the stack of a data folder; its data stays.',
  usage: 'down [--data DIR]',
  details: 'The agent first ships what it has read. Doing it twice does no harm: nothing running is fine.',
  options: { data: dataOption },
  positionals: { min: 0, max: 0 },
  examples: ['./millrace down', './millrace down --data /var/tmp/second'],
  exits: [[1, 'a process could not be stopped']],
  async run(context, parsed) {
    const { clock } = context;
    const paths = stackPaths(dataDirOf(context, parsed));
    const run = existsSync(paths.dataDir) ? readRunFile(paths) : undefined;
    const supervised = run !== undefined && isAlive(run.supervisor);
    if (supervised) {
      process.kill(run.supervisor.pid, 'SIGTERM');
      const deadline = clock.monotonic() + stopMsMax;
      while (isAlive(run.supervisor)) {
        if (clock.monotonic() > deadline) {
          const pid = run.supervisor.pid;
          throw new MillraceError(
            'DEADLINE',
            `the supervisor (pid ${pid}) did not stop in ${stopMsMax / 1000} s`,
            {
              hint: `end it with kill -9 ${pid}, then run ./millrace down again for what it left`,
            },
          );
        }
        await clock.sleep(100);
      }
    }
    const orphans = await stopOrphans(paths, 15_000, clock);
    if (supervised || orphans > 0) context.stderr(`stopped: ${paths.dataDir}\n`);
    else context.stderr(`nothing runs in ${paths.dataDir}\n`);
    return exitCodes.ok;
  },
};
