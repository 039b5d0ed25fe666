import { SeenBlocks } from '@millrace/archive/selected-blocks.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { type ArchiveSource, selectionFlags, withArchive } from './archive-source.ts';
import { parseArguments } from './arguments.ts';
import type { CommandContext } from './registry.ts';

/** `archive cat`: the original bytes, in the order of the archive. */
export async function catObjects(args: string[], context: CommandContext): Promise<number> {
  const { values, positionals } = parseArguments(args, selectionFlags);
  if (positionals.length === 0 && Object.keys(values).length === 0) {
    throw new MillraceError(
      'USAGE',
      'archive cat: name an object, or select by --host, --file, --tag, --from',
    );
  }
  return withArchive(context, values, async (source) => {
    const seen = new SeenBlocks();
    const joint = new Joint();
    for await (const object of named(source, positionals, context.signal)) {
      for await (const { id, block, runs } of source.blocks(object)) {
        if (seen.add(id)) for (const part of joint.bytesOf(block, runs)) await context.stdout(part);
      }
    }
    return source.problems() > 0 ? 1 : 0;
  });
}

/** The objects that were named, or all that the flags select. */
export async function* named(
  source: ArchiveSource,
  keys: string[],
  signal: AbortSignal,
): AsyncGenerator<{ key: string; bytes: number }> {
  if (keys.length === 0) yield* source.entries();
  for (const key of keys) {
    const bytes = await source.objects.size(key, signal);
    if (bytes === undefined) throw new MillraceError('USAGE', `there is no object ${key}`);
    yield { key, bytes };
  }
}

/** Keeps the last lines of files apart that end without a newline, but not the parts of one file that follow each other. */
class Joint {
  #open: { generation: string; at: number } | undefined;

  *bytesOf({ header, payload }: Block, runs: Set<number>): Generator<Uint8Array> {
    let start = 0;
    for (const [i, run] of header.runs.entries()) {
      const end = start + run.size;
      if (runs.has(i) && run.size > 0) {
        const generation = Buffer.from(header.sources[run.source]?.generation ?? []).toString('hex');
        const follows = this.#open?.generation === generation && this.#open.at === run.from;
        if (this.#open !== undefined && !follows) yield Buffer.from('\n');
        yield payload.subarray(start, end);
        this.#open = run.filler ? { generation, at: run.to } : undefined;
      }
      start = end + (run.filler ? 1 : 0);
    }
  }
}
