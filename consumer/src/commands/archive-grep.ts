import { SeenBlocks } from '@millrace/archive/selected-blocks.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import { createGrep, type Grep, type GrepOptions, recordText, requiredTokens } from '../archive/grep.ts';
import { named } from './archive-cat.ts';
import { printable } from './archive-ls.ts';
import { selectionFlags, withArchive } from './archive-source.ts';
import { integerFlag, parseArguments } from './arguments.ts';
import type { CommandContext } from './registry.ts';

/** `archive grep`: records that hold a text or match an expression. Exit code 1 when there are none. */
export async function grepObjects(args: string[], context: CommandContext): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...selectionFlags,
    regex: { type: 'boolean', short: 'e' },
    'ignore-case': { type: 'boolean', short: 'i' },
    invert: { type: 'boolean', short: 'v' },
    count: { type: 'boolean', short: 'c' },
    bytes: { type: 'boolean' },
    json: { type: 'boolean' },
    max: { type: 'string', short: 'm' },
  });
  const [pattern, ...keys] = positionals;
  if (pattern === undefined || pattern === '') throw new MillraceError('USAGE', 'archive grep: what for?');
  const max = values.max === undefined ? Number.POSITIVE_INFINITY : integerFlag('max', values.max, 1, 1e9);
  const options = {
    pattern,
    regex: values.regex === true,
    ignoreCase: values['ignore-case'] === true,
    invert: values.invert === true,
  };
  const grep = grepOf(options);
  const tokens = requiredTokens(options);
  const textOf = values.json ? jsonLine : values.bytes ? bytesLine : plainLine;
  return withArchive(context, values, async (source) => {
    const seen = new SeenBlocks();
    let found = 0;
    search: for await (const object of named(source, keys, context.signal)) {
      for await (const { id, block, runs } of source.blocks(object, tokens)) {
        if (!seen.add(id)) continue;
        for (const record of grep(block, runs)) {
          found++;
          if (values.count !== true) await context.stdout(textOf(block, record));
          if (found >= max) break search;
        }
      }
    }
    if (values.count === true) await context.stdout(`${found}\n`);
    return found > 0 && source.problems() === 0 ? 0 : 1;
  });
}

function grepOf(options: GrepOptions): Grep {
  try {
    return createGrep(options);
  } catch (error) {
    if (!isMillraceError(error, 'RULE_INVALID')) throw error;
    throw new MillraceError('USAGE', `archive grep: ${error.message}`, { cause: error });
  }
}

function plainLine(block: Block, record: BlockRecord): string {
  const text = recordText(block, record).toString('utf8');
  const { path } = record.source;
  // Lines of one record stay lines; nothing in it steers the terminal.
  const shown = text.split('\n').map(printable).join('\n');
  return `${printable(`${block.header.host}:${path}:${record.offset}`)}: ${shown}\n`;
}

function bytesLine(block: Block, record: BlockRecord): Uint8Array {
  return Buffer.concat([recordText(block, record), Buffer.from('\n')]);
}

function jsonLine(block: Block, record: BlockRecord): string {
  const { source, offset, run } = record;
  const row = {
    host: block.header.host,
    file: source.path,
    tag: source.tag,
    generation: generationText(source.generation),
    offset,
    captured: new Date(run.capturedMs).toISOString(),
    text: recordText(block, record).toString('utf8'),
  };
  return `${JSON.stringify(row)}\n`;
}
