import { runChecks } from '../checks.ts';
import { type Command, exitCodes } from '../command.ts';

export const check: Command = {
  name: 'check',
  summary: 'Check the code: types, format, lint, dead code.',
  usage: 'check',
  options: {},
  positionals: { min: 0, max: 0 },
  examples: ['./millrace check'],
  exits: [[1, 'a check failed']],
  async run(context) {
    const failed = await runChecks(context);
    context.stderr(failed.length === 0 ? 'check: all good\n' : `check: failed: ${failed.join(', ')}\n`);
    return failed.length === 0 ? exitCodes.ok : exitCodes.failed;
  },
};
