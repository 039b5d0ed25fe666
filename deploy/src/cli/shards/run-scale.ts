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

export function resultText({ kind, steps, why, open, following }: ScaleResult, count: number): string {
  const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const even = counted(open, 'even shard');
  const done = steps.length > 0 ? even : `${even} already`;
  const head = {
    done: following ? `${even}, and the consumer reads them` : `${done}; who reads them was not asked`,
    planned: `${counted(open, 'shard')} now; with --apply, towards ${count}:`,
    refused:
      steps.length > 0
        ? `refused after ${counted(steps.length, 'step')}; ${count} wanted, open now: ${open}`
        : `refused, nothing was changed; open: ${open}`,
    unfinished: `not finished; ${count} wanted, open now: ${open}`,
  }[kind];
  const shown = kind === 'planned' ? steps : [];
  return `${[head, ...shown, ...why].join('\n  ')}\n`;
}
