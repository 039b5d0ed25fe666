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
 * bucket when that is done. One that was interrupted goes on where it was. Resolves with the exit code.
 */
export async function bringInLine(
  { correction, withdrawn }: ShelfEntry,
  shelf: CorrectionShelf,
  { objects, store, context }: CorrectionTools,
  flags: Pick<ReplayFlags, 'progress' | 'stateFile' | 'json'>,
): Promise<number> {
  const { config, clock, signal } = context;
  const { stream, number } = correction;
  const asked = { correction: `${stream}/${number}`, withdrawn };
  const journal = new Journal(flags.stateFile ?? journalFile(config.state_dir, asked), asked, clock.now());
  const progress = new Progress(flags.progress, context);
  const sum: Applied = { changed: 0, deleted: 0, cold: 0 };
  let problems = 0;
  const onProblem = (where: string, error: string) => {
    problems++;
    context.stderr(`${where}: ${error}\n`);
  };
  await store.refresh(signal);
  const corrections = await shelf.load(stream, signal);
  const indices = await indicesOf(store, signal);
  const options = {
    objects,
    store,
    indices,
    renderer: createRenderer(),
    clock,
    readBytes: config.filler.read_bytes,
    onProblem,
    signal,
  };
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
  await shelf.note(stream, number, withdrawn ? 'undone' : 'applied', signal);
  journal.remove();
  const said = { correction: `${stream}/${number}`, ...sum };
  if (flags.json) await context.stdout(`${JSON.stringify(said)}\n`);
  else {
    const cold = sum.cold > 0 ? `, ${sum.cold} are in the archive only` : '';
    context.stderr(`${sum.changed} events written, ${sum.deleted} deleted${cold}\n`);
  }
  return problems > 0 ? 1 : 0;
}
