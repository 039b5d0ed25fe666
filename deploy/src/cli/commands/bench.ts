import { existsSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { type Command, exitCodes } from '../command.ts';
import { runNode } from '../run-program.ts';

export const bench: Command = {
  name: 'bench',
  summary: 'Measure, against something plain in the same run; figures go to bench/RESULTS.md.',
  usage: 'bench NAME [arguments of that bench]',
  details: 'Benches are the files bench/NAME.ts; without a name they are listed.',
  options: {},
  positionals: { min: 0, max: Number.POSITIVE_INFINITY },
  examples: ['./millrace bench agent', './millrace bench consumer'],
  exits: [[1, 'it failed']],
  run: async () => exitCodes.usage,
  async passOn(context, args) {
    const folder = join(context.root, 'bench');
    const names = globSync('*.ts', { cwd: folder })
      .filter((file) => !file.endsWith('.test.ts'))
      .map((file) => basename(file, '.ts'))
      .sort();
    const [name, ...rest] = args;
    if (name === undefined || name === '--help') {
      context.stdout(`Usage: ./millrace ${bench.usage}\n\nBenches: ${names.join(', ')}\n`);
      return name === undefined ? exitCodes.usage : exitCodes.ok;
    }
    const file = join(folder, `${name}.ts`);
    if (!names.includes(name) || !existsSync(file)) {
      const near = suggest(name, names);
      throw new MillraceError('USAGE', `no bench "${name}"${near ? `, did you mean "${near}"?` : ''}`, {
        hint: `benches are ${names.join(', ')}`,
      });
    }
    return runNode(context, [file, ...rest], { cwd: context.root });
  },
};
