import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readFooter } from '@millrace/archive/reader.ts';
import { SeenBlocks, selectedBlocks } from '@millrace/archive/selected-blocks.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { Draft, fileNameOf, prepareFolder, type Target } from './output.ts';
import { type Piece, piecesOf, resolved } from './pieces.ts';
import type { Life, Plan } from './plan.ts';

export interface RestoreOptions {
  objects: ObjectStore;
  clock: Clock;
  target: Target;
  /** Writes files again that are there with the size they should have. */
  force: boolean;
  /** Lives are restored in groups of about this size; their bytes lie twice on disk meanwhile. */
  spoolBytesMax: number;
  readBytes: number;
  /** Only a window of the archive is looked at: what lies before and after it is not missing. */
  windowed: boolean;
  /** The corrections of a stream: what they drop is not restored. */
  corrections(stream: string): Promise<Corrections>;
  onProblem(problem: { key: string; block?: string; error: Error }): void;
  /** Bytes of the archive that were read. */
  onProgress(bytes: number): void;
}

/** What became of one life. Stretches are offsets in the source. */
export interface Restored {
  generation: string;
  host: string;
  path: string;
  /** The file that was written. */
  file: string;
  /** `there`: it was there with this size already. */
  state: 'written' | 'there';
  bytes: number;
  /** Hexadecimal; absent when it was there already. */
  sha256?: string;
  /** The archive has the source from here to there. */
  from: number;
  to: number;
  /** Bytes in between that no object has. */
  missing: { from: number; to: number }[];
  /** What filters took out or replaced. */
  changed: { from: number; to: number; by: string; kind: 'removed' | 'rewritten' }[];
}

/**
 * Writes lives of files back, each byte for byte into a file of its own, which gets its name when it is whole on disk.
 * @throws MillraceError ARCHIVE_UNAVAILABLE
 */
export async function* restore(
  plan: Plan,
  options: RestoreOptions,
  signal: AbortSignal,
): AsyncGenerator<Restored> {
  const { target, force } = options;
  await prepareFolder(target.folder);
  let group: Life[] = [];
  let groupBytes = 0;
  for (const life of plan.lives) {
    const file = join(target.folder, target.name ?? fileNameOf(life));
    const there = force || target.name !== undefined ? undefined : await stat(file).catch(() => undefined);
    if (there?.isFile() && there.size === life.bytes) {
      yield {
        ...namesOf(life),
        file,
        state: 'there',
        bytes: there.size,
        from: 0,
        to: 0,
        missing: [],
        changed: [],
      };
      continue;
    }
    if (group.length > 0 && groupBytes + life.bytes > options.spoolBytesMax) {
      yield* restoreGroup(plan, group, options, signal);
      group = [];
      groupBytes = 0;
    }
    group.push(life);
    groupBytes += life.bytes;
  }
  if (group.length > 0) yield* restoreGroup(plan, group, options, signal);
}

const namesOf = ({ generation, host, path }: Life) => ({ generation, host, path });

async function* restoreGroup(
  plan: Plan,
  group: Life[],
  options: RestoreOptions,
  signal: AbortSignal,
): AsyncGenerator<Restored> {
  const spool = await Draft.create(options.target.folder, options.clock.bytes(8), false);
  try {
    const pieces = new Map<string, Piece[]>(group.map(({ generation }) => [generation, []]));
    await fillSpool(plan, group, pieces, spool, options, signal);
    for (const life of group) {
      signal.throwIfAborted();
      yield await writeLife(life, resolved(pieces.get(life.generation) ?? []), spool, options);
    }
  } finally {
    await spool.discard();
  }
}

/** Brings all bytes of the group into the spool, as they come in the archive. */
async function fillSpool(
  plan: Plan,
  group: Life[],
  pieces: Map<string, Piece[]>,
  spool: Draft,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<void> {
  const seen = new SeenBlocks();
  const runs = (header: Block['header']): Set<number> => {
    const wanted = header.sources.map(({ generation }) =>
      pieces.has(Buffer.from(generation).toString('hex')),
    );
    return new Set(header.runs.flatMap((run, i) => (wanted[run.source] === true ? [i] : [])));
  };
  for (const [index, { key, bytes }] of plan.objects.entries()) {
    if (!group.some(({ objects }) => objects.has(index))) continue;
    signal.throwIfAborted();
    const { objects, readBytes, onProblem } = options;
    const { blocks, stream } = await readFooter(objects, key, bytes, signal);
    const corrections = await options.corrections(stream);
    const wanted = { objects, key, blocks, readBytes, runs, onProblem, corrections };
    for await (const found of selectedBlocks(wanted, signal)) {
      if (seen.add(found.id)) await take(found.block, found.runs, pieces, spool);
    }
    options.onProgress(bytes);
  }
}

async function take(
  { header, payload }: Block,
  runs: Set<number>,
  pieces: Map<string, Piece[]>,
  spool: Draft,
): Promise<void> {
  let start = 0;
  for (const [i, run] of header.runs.entries()) {
    const end = start + run.size;
    if (runs.has(i)) {
      const generation = Buffer.from(header.sources[run.source]?.generation ?? []).toString('hex');
      const known = pieces.get(generation);
      for (const piece of piecesOf(run, spool.size)) known?.push(piece);
      if (run.size > 0) await spool.append(payload.subarray(start, end));
    }
    start = end + (run.filler ? 1 : 0);
  }
}

const copyBytes = 1024 * 1024;

async function writeLife(
  life: Life,
  pieces: Piece[],
  spool: Draft,
  { target, clock, windowed }: RestoreOptions,
): Promise<Restored> {
  const draft = await Draft.create(target.folder, clock.bytes(8), true);
  try {
    const missing: Restored['missing'] = [];
    const changed: Restored['changed'] = [];
    const start = pieces[0]?.from ?? 0;
    let reached = windowed ? start : 0;
    for (const { from, to, kind, at, size, by } of pieces) {
      if (from > reached) missing.push({ from: reached, to: from });
      reached = to;
      if (kind !== 'kept') changed.push({ from, to, by, kind });
      for (let done = 0; done < size; done += copyBytes) {
        await draft.append(await spool.read(at + done, Math.min(copyBytes, size - done)));
      }
    }
    const file = join(target.folder, target.name ?? fileNameOf(life));
    const bytes = draft.size;
    const sha256 = await draft.finish(file);
    return {
      ...namesOf(life),
      file,
      state: 'written',
      bytes,
      sha256,
      from: start,
      to: reached,
      missing,
      changed,
    };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}
