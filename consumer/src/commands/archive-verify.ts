import { inParallel } from '@millrace/archive/in-parallel.ts';
import { type Verified, verifyObject } from '../archive/verify.ts';
import { named } from './archive-cat.ts';
import { withArchive } from './archive-source.ts';
import { integerFlag, parseArguments } from './arguments.ts';
import type { CommandContext } from './registry.ts';

/** `archive verify`: looks at every object. Exit code 1 when one is bad. */
export async function verifyObjects(args: string[], context: CommandContext): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    stream: { type: 'string', multiple: true },
    from: { type: 'string' },
    to: { type: 'string' },
    quick: { type: 'boolean' },
    deep: { type: 'boolean' },
    parallel: { type: 'string', default: '4' },
    progress: { type: 'boolean' },
    json: { type: 'boolean' },
  });
  const parallel = integerFlag('parallel', values.parallel, 1, 64);
  const depth = values.deep ? 'events' : values.quick ? 'footer' : 'blocks';
  const readBytes = context.config.filler.read_bytes;
  const { prefix } = context.config.archive;
  return withArchive(context, values, async (source) => {
    const total = { objects: 0, blocks: 0, events: 0, bytes: 0, bad: 0 };
    const objects = positionals.length > 0 ? named(source, positionals, context.signal) : source.listed();
    const verify = (item: { key: string; bytes: number }) =>
      verifyObject(source.objects, item, { prefix, depth, readBytes }, context.signal);
    const shown = context.tty || values.progress === true;
    for await (const verified of inParallel(objects, parallel, verify)) {
      total.objects++;
      total.blocks += verified.blocks;
      total.events += verified.events ?? 0;
      total.bytes += verified.bytes;
      if (verified.faults.length > 0) total.bad++;
      if (values.json === true) await context.stdout(`${JSON.stringify(verified)}\n`);
      else await context.stdout(textOf(verified));
      if (shown)
        context.stderr(`${context.tty ? '\r' : ''}${total.objects} objects${context.tty ? '' : '\n'}`);
    }
    if (context.tty) context.stderr('\r\u001b[K');
    const { objects: count, blocks, events, bytes, bad } = total;
    context.stderr(`${count} objects, ${blocks} blocks, ${events} events, ${bytes} bytes: ${bad} bad\n`);
    return bad > 0 || source.problems() > 0 ? 1 : 0;
  });
}

/** Only what is bad is worth a line. */
function textOf({ key, faults }: Verified): string {
  return faults.map((fault) => `BAD ${key}: ${fault}\n`).join('');
}
