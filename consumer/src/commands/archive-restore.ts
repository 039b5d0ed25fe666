import { MillraceError } from '@millrace/core/errors.ts';
import { targetOf } from '../archive/restore/output.ts';
import { planRestore } from '../archive/restore/plan.ts';
import { type Restored, restore } from '../archive/restore/restore.ts';
import { printable } from './archive-ls.ts';
import { selectionFlags, withArchive } from './archive-source.ts';
import { parseArguments } from './arguments.ts';
import type { CommandContext } from './registry.ts';

const spoolBytesMax = 256 * 1024 * 1024;

/** `archive restore`: files as they were on the server. Exit code 1 when bytes are missing. */
export async function restoreFiles(args: string[], context: CommandContext): Promise<number> {
  const { values } = parseArguments(args, {
    ...selectionFlags,
    generation: { type: 'string' },
    out: { type: 'string' },
    force: { type: 'boolean' },
    progress: { type: 'boolean' },
    json: { type: 'boolean' },
  });
  const { out, host, file } = values;
  if (out === undefined || host === undefined || file === undefined) {
    throw new MillraceError('USAGE', 'archive restore: --host, --file and --out are needed');
  }
  const generation = values.generation?.replaceAll('-', '').toLowerCase() ?? '';
  if (!/^[0-9a-f]{0,32}$/.test(generation)) {
    throw new MillraceError('USAGE', `--generation ${values.generation} is not hexadecimal`);
  }
  return withArchive(context, values, async (source) => {
    const plan = await planRestore(source.entries('renamed'), source.selector, generation);
    if (plan.lives.length === 0) {
      context.stderr('the archive has nothing of such a file\n');
      return 1;
    }
    const force = values.force === true;
    const target = await targetOf(out, plan.lives, force);
    const progress = progressOf(context, values.progress === true);
    let missing = 0;
    const options = {
      objects: source.objects,
      clock: context.clock,
      target,
      force,
      spoolBytesMax,
      readBytes: context.config.filler.read_bytes,
      windowed: values.from !== undefined || values.to !== undefined,
      corrections: source.corrections,
      onProblem: source.problem,
      onProgress: progress.step,
    };
    for await (const restored of restore(plan, options, context.signal)) {
      missing += restored.missing.length;
      progress.clear();
      await context.stdout(values.json === true ? `${JSON.stringify(restored)}\n` : textOf(restored));
    }
    return missing > 0 || source.problems() > 0 ? 1 : 0;
  });
}

function progressOf({ tty, stderr }: CommandContext, asked: boolean) {
  const shown = tty || asked;
  let bytes = 0;
  return {
    step(more: number): void {
      bytes += more;
      if (shown)
        stderr(`${tty ? '\r' : ''}${Math.round(bytes / 1e6)} MB of the archive read${tty ? '' : '\n'}`);
    },
    clear(): void {
      if (tty && shown) stderr('\r\u001b[K');
    },
  };
}

const stretchesMax = 20;

function textOf(restored: Restored): string {
  const { host, path, bytes, state, sha256 = '', missing, changed, from } = restored;
  const whole =
    missing.length > 0 ? 'GAPS' : changed.length > 0 ? 'filtered' : from > 0 ? `from byte ${from}` : 'whole';
  const head = `${printable(restored.file)}\n  ${printable(`${host}:${path}`)}  life ${restored.generation}`;
  if (state === 'there') return `${head}\n  there already, ${bytes} bytes\n`;
  const lines = [
    ...missing.map((it) => `missing    bytes ${it.from} to ${it.to}: no object of the archive has them`),
    ...changed.map((it) => `${it.kind.padEnd(9)}  bytes ${it.from} to ${it.to} by ${printable(it.by)}`),
  ];
  const more = lines.length - stretchesMax;
  const shown = lines.slice(0, stretchesMax).map((line) => `  ${line}\n`);
  if (more > 0) shown.push(`  and ${more} more, --json names all\n`);
  return `${head}\n  ${whole}, ${bytes} bytes, sha256 ${sha256}\n${shown.join('')}`;
}
