import { MillraceError } from '@millrace/core/errors.ts';
import { jsonText } from '../../local/config-files.ts';
import { type ScaleOptions, type ScaleResult, scale } from '../../shards/scale.ts';
import { exitCodes, type Parsed } from '../command.ts';
import { integer, percentage } from './numbers.ts';
import type { Where } from './where.ts';

export const scaleExits = { done: exitCodes.ok, planned: exitCodes.ok, refused: 4, unfinished: 5 } as const;

interface Say {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** `shards scale N`; resolves with the exit code. */
export async function runScale(where: Where, count: number, parsed: Parsed, say: Say): Promise<number> {
  const result = await scale(where, scaleOptions(where, count, parsed, say));
  say.stdout(parsed.flags.json ? jsonText({ count, ...result }) : resultText(result, count));
  return scaleExits[result.kind];
}

/** @throws MillraceError USAGE */
export function scaleOptions(where: Where, count: number, parsed: Parsed, say: Say): ScaleOptions {
  const by = parsed.strings.by ?? 'count';
  if (by !== 'count' && by !== 'split')
    throw new MillraceError('USAGE', `--by "${by}" is neither count nor split`);
  return {
    count,
    apply: parsed.flags.apply === true,
    byCount: by === 'count',
    behindMax: percentage(parsed, 'behind-max', 25),
    noConsumer: parsed.flags['no-consumer'] === true,
    failoverMs: where.failoverMs,
    patienceMs: integer(parsed, 'patience', 30, 1, 1_440) * 60_000,
    tell: (line) => say.stderr(`${line}\n`),
  };
}

export function resultText({ kind, steps, why, open }: ScaleResult, count: number): string {
  const head = {
    done: `${open} even shards, and the consumer reads them`,
    planned: `${open} shards now; with --apply, towards ${count}:`,
    refused: `refused; ${open} shards as they are`,
    unfinished: `not finished: ${open} shards are open, ${count} are wanted`,
  }[kind];
  const shown = kind === 'planned' ? steps : [];
  return `${[head, ...shown, ...why].join('\n  ')}\n`;
}
