import type { Catalog, CatalogEntry } from '@millrace/archive/catalog.ts';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks } from '@millrace/archive/reader.ts';
import { retryingReads } from '@millrace/archive/retried.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { addCounts, type Counts, noCounts } from './counts.ts';
import type { Journal } from './journal.ts';
import type { Progress } from './progress.ts';
import type { RateLimit } from './rate.ts';
import { selectedBlock } from './select-block.ts';
import type { Selection, Share } from './selection.ts';
import type { ReplaySink, ReplayTarget } from './target.ts';

export interface ReplayOptions {
  catalog: Catalog;
  objects: ObjectStore;
  renderer: Renderer;
  selection: Selection;
  /** Streams to replay. */
  streams: string[];
  /** As they are now. */
  corrections(stream: string): Promise<Corrections>;
  /** Brings in line what was written of an object that a correction has passed by; absent: it cannot be taken back. */
  correctLate?(corrections: Corrections, key: string, bytes: number): Promise<void>;
  target: ReplayTarget;
  journal: Pick<Journal, 'done' | 'add' | 'counts'>;
  progress: Progress;
  rate: RateLimit;
  readBytes: number;
  clock: Clock;
  /** Objects that the catalog could not list, because their footers cannot be read. */
  unlisted: ReadonlySet<string>;
  /** Something of the archive that could not be read; it is counted, and the replay goes on. */
  onProblem(where: string, error: string): void;
  signal: AbortSignal;
}

/** Objects whose events may be under way at a time: a target need not run dry where one ends. */
const openMax = 4;
/** Block ids remembered: copies of a block lie in objects of about the same time. */
const idsMax = 500_000;

/** Replays what is selected. @throws MillraceError of the archive or the target; what is done is in the journal */
export async function replay(options: ReplayOptions): Promise<Counts> {
  const { journal, progress, target, signal } = options;
  const counts = { ...journal.counts };
  try {
    progress.begin(await totalBytes(options), counts);
    const running = new Running(options, counts);
    for await (const { entry, share, corrections } of selectedObjects(options)) {
      if (journal.done.has(entry.key)) continue;
      await running.object(entry, share, corrections);
    }
    await running.end();
    signal.throwIfAborted();
    counts.unreadable += options.unlisted.size;
    progress.end(counts);
    return counts;
  } finally {
    await target.close();
  }
}

interface SelectedObject {
  entry: CatalogEntry;
  share: Share;
  corrections: Corrections;
}

/** The objects that may hold events of the selection, in key order. */
export async function* selectedObjects(
  options: Pick<ReplayOptions, 'catalog' | 'selection' | 'streams' | 'corrections' | 'signal'>,
): AsyncGenerator<SelectedObject> {
  const { catalog, selection, signal } = options;
  const since = selection.arrivedFromMs;
  for (const stream of options.streams) {
    const corrections = await options.corrections(stream);
    const window = { stream, ...(since === undefined ? {} : { fromMs: since }) };
    for await (const entry of catalog.entries(window, signal)) {
      const share = selection.ofObject(entry, corrections.names(entry.key));
      if (share !== 'none') yield { entry, share, corrections };
    }
  }
}

async function totalBytes(options: ReplayOptions): Promise<number> {
  let bytes = 0;
  for await (const { entry } of selectedObjects(options)) bytes += entry.bytes;
  return bytes;
}

class Running {
  readonly #options: ReplayOptions;
  readonly #counts: Counts;
  readonly #seen = new Set<string>();
  readonly #open = new Set<Promise<void>>();
  /** By stream, once others were made than there were at the beginning. */
  readonly #newer = new Map<string, Corrections>();
  #failure: unknown;

  constructor(options: ReplayOptions, counts: Counts) {
    this.#options = options;
    this.#counts = counts;
  }

  async object(entry: CatalogEntry, share: Share, first: Corrections): Promise<void> {
    const corrections = this.#newer.get(entry.footer.stream) ?? first;
    const { target, onProblem } = this.#options;
    const counts = { ...noCounts(), objects: 1 };
    const sink = target.open(entry.footer.stream);
    try {
      await this.#blocks(entry, share, corrections, sink, counts);
    } catch (error) {
      if (!isMillraceError(error, 'ARCHIVE_CORRUPT')) throw error;
      onProblem(entry.key, error.message);
      counts.unreadable++;
    }
    const ending = this.#end(entry, sink, corrections, counts).catch((error: unknown) => {
      this.#failure ??= error;
    });
    const open = ending.finally(() => this.#open.delete(open));
    this.#open.add(open);
    while (this.#open.size >= openMax) await Promise.race(this.#open);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async end(): Promise<void> {
    await Promise.all(this.#open);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #end(
    { key, bytes, footer }: CatalogEntry,
    sink: ReplaySink,
    before: Corrections,
    counts: Counts,
  ): Promise<void> {
    const { journal, progress, corrections, correctLate } = this.#options;
    const later = await sink.end();
    if (correctLate !== undefined) {
      const now = await corrections(footer.stream);
      if (now.version !== before.version) {
        this.#newer.set(footer.stream, now);
        await correctLate(now, key, bytes);
      }
    }
    addCounts(counts, later);
    // The footer is gone through too.
    addCounts(this.#counts, { ...later, objects: 1, bytes: bytes - counts.bytes });
    journal.add(key, { ...counts, bytes });
    progress.update(this.#counts);
  }

  async #blocks(
    { key, footer }: CatalogEntry,
    share: Share,
    corrections: Corrections,
    sink: ReplaySink,
    counts: Counts,
  ): Promise<void> {
    const { clock, readBytes, signal, rate, progress } = this.#options;
    const objects = retryingReads(this.#options.objects, clock);
    const fresh = footer.blocks.filter(({ id }) => !this.#seen.has(id));
    for await (const { block, bytes } of readBlocks(objects, key, fresh, readBytes, signal)) {
      signal.throwIfAborted();
      if (this.#seen.has(block.id)) continue;
      await rate.take('bytes', bytes.length, signal);
      const own = { ...noCounts(), bytes: bytes.length };
      const where = `${key}, block ${block.id}`;
      const read = await this.#block(where, block.id, bytes, share, corrections, sink, own);
      // Of a block that is damaged here, another object may hold a good copy.
      if (read) this.#see(block.id);
      await rate.take('events', own.events, signal);
      addCounts(counts, own);
      addCounts(this.#counts, own);
      progress.update(this.#counts);
    }
  }

  /** False for a block that cannot be read. */
  async #block(
    where: string,
    id: string,
    bytes: Buffer,
    share: Share,
    corrections: Corrections,
    sink: ReplaySink,
    counts: Counts,
  ): Promise<boolean> {
    const { renderer, selection, onProblem } = this.#options;
    const unreadable = (error: string, events: number) => {
      counts.unreadable += events;
      onProblem(where, error);
    };
    try {
      if (blockId(bytes) !== id)
        throw new MillraceError('ARCHIVE_CORRUPT', 'its bytes are not those of its id');
      const block = decodeBlock(bytes);
      const corrected = corrections.correct(block);
      const selected = { id, bytes, block, share, corrected, selection, renderer, unreadable };
      const chosen = selectedBlock(selected);
      if (chosen === undefined) return true;
      counts.blocks++;
      await sink.take(chosen, counts);
      return true;
    } catch (error) {
      if (!damages.some((code) => isMillraceError(error, code))) throw error;
      unreadable(messageOf(error), 1);
      return false;
    }
  }

  #see(id: string): void {
    this.#seen.add(id);
    if (this.#seen.size <= idsMax) return;
    const [oldest] = this.#seen;
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}

/** Of one block's bytes, for good or for this version: the others are replayed. */
const damages = ['WIRE_CORRUPT', 'WIRE_LIMIT', 'WIRE_UNSUPPORTED', 'ARCHIVE_CORRUPT'] as const;
