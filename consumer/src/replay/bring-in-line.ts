import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { CorrectionShelf, ShelfEntry } from '@millrace/archive/corrections/shelf.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { type Applied, applyCorrections } from './apply-correction.ts';
import { Journal, journalFile } from './journal.ts';
import type { CorrectionTools } from './make-correction.ts';
import { Progress } from './progress.ts';
import { indicesOf } from './replay-indices.ts';
import type { ReplayFlags } from './request.ts';

/**
 * Brings the store in line with a correction, or with its withdrawal, for every object that it names; notes in the
 * bucket when that is done. One that was interrupted goes on where it was. When another correction is made meanwhile, it
 * begins anew: what was written here may have passed over what was written there. Resolves with the exit code.
 */
export async function bringInLine(
  { correction, withdrawn }: ShelfEntry,
  shelf: CorrectionShelf,
  tools: CorrectionTools,
  flags: Flags,
): Promise<number> {
  const { stream, number } = correction;
  const { signal, stderr, stdout } = tools.context;
  let sum: Applied;
  let problems: number;
  for (let corrections = await shelf.load(stream, signal); ; ) {
    ({ sum, problems } = await once({ correction, withdrawn, corrections }, tools, flags));
    const now = await shelf.load(stream, signal);
    if (now.version === corrections.version) break;
    stderr('another correction was made or withdrawn meanwhile: once more\n');
    corrections = now;
  }
  await shelf.note(stream, number, withdrawn ? 'undone' : 'applied', signal);
  const said = { correction: `${stream}/${number}`, ...sum };
  if (flags.json) await stdout(`${JSON.stringify(said)}\n`);
  else {
    const cold = sum.cold > 0 ? `, ${sum.cold} are in the archive only` : '';
    stderr(`${sum.changed} events written, ${sum.deleted} deleted${cold}\n`);
  }
  return problems > 0 ? 1 : 0;
}

type Flags = Pick<ReplayFlags, 'progress' | 'stateFile' | 'json'>;

interface Work extends Pick<ShelfEntry, 'correction' | 'withdrawn'> {
  /** All of the stream, as they were when it began. */
  corrections: Corrections;
}

async function once(
  { correction, withdrawn, corrections }: Work,
  { objects, store, context }: CorrectionTools,
  flags: Flags,
): Promise<{ sum: Applied; problems: number }> {
  const { config, clock, signal } = context;
  const { version } = corrections;
  const asked = { correction: `${correction.stream}/${correction.number}`, withdrawn, version };
  const journal = new Journal(flags.stateFile ?? journalFile(config.state_dir, asked), asked, clock.now());
  const progress = new Progress(flags.progress, context);
  const sum: Applied = { changed: 0, deleted: 0, cold: 0 };
  let problems = 0;
  const onProblem = (where: string, error: string) => {
    problems++;
    context.stderr(`${where}: ${error}\n`);
  };
  await store.refresh(signal);
  const indices = await indicesOf(store, signal);
  const readBytes = config.filler.read_bytes;
  const renderer = createRenderer();
  const options = { objects, store, indices, renderer, clock, readBytes, onProblem, signal };
  const counts = { ...journal.counts };
  progress.begin(correction.objects.length, counts);
  for (const key of correction.objects) {
    signal.throwIfAborted();
    if (journal.done.has(key)) continue;
    try {
      const bytes = await objects.size(key, signal);
      if (bytes === undefined) throw new MillraceError('ARCHIVE_CORRUPT', 'the object is not there any more');
      const applied = await applyCorrections(options, corrections, key, bytes);
      for (const name of Object.keys(sum) as (keyof Applied)[]) sum[name] += applied[name];
    } catch (error) {
      if (!isMillraceError(error, 'ARCHIVE_CORRUPT')) throw error;
      onProblem(key, error.message);
    }
    journal.add(key, { bytes: 1, events: 1 });
    counts.bytes++;
    progress.update(counts);
  }
  journal.remove();
  return { sum, problems };
}
