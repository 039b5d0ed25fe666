import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import { parseArchiveKey } from '@millrace/core/archive/key.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { MarkException, Store } from '@millrace/core/store/port.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import type { ConsumerTelemetry } from '../events.ts';
import { renderedBatches } from '../index/batches.ts';
import type { GroupResult, Indexer, IndexGroup } from '../index/indexer.ts';
import { applyCorrections } from '../replay/apply-correction.ts';
import { indicesOf } from '../replay/replay-indices.ts';
import { finishedMark, noteExceptions } from '../set-aside/mark.ts';
import type { SetAsideStorm } from '../set-aside/storm.ts';

export interface FillOptions {
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  store: Store;
  indexer: Indexer;
  renderer: Renderer;
  emit: ConsumerTelemetry['emit'];
  readBytes: number;
  clock: Clock;
  storm: SetAsideStorm;
  /** The corrections of a stream, as they are now (D13). */
  corrections(stream: string, signal: AbortSignal): Promise<Corrections>;
  /** The object has a mark that is replaced; the indexer replaces documents. */
  again?: boolean;
  /** The store takes nothing of an object for so long: the filler goes on with others. Milliseconds. */
  giveUpMs: number;
}

/** Events and blocks named in one mark beside those that the store refused; further ones are counted only. */
const namedMax = 1_000;

/**
 * Indexes every event of an archive object and writes its mark; documents that are there already are no work for
 * the store. What cannot be decoded or rendered is set aside: named in the mark.
 * @throws MillraceError ARCHIVE_CORRUPT for an object without a readable footer; ARCHIVE_UNAVAILABLE,
 * STORE_UNAVAILABLE: try again later
 */
export async function fillObject(
  options: FillOptions,
  key: string,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { objects, prefix, store, indexer, emit, storm, readBytes } = options;
  const footer = await readFooter(objects, key, bytes, signal);
  // Who may write one stream's objects must not reach another's indices.
  if (parseArchiveKey(key, prefix)?.stream !== footer.stream)
    throw new MillraceError('ARCHIVE_CORRUPT', `${key}: its footer is of stream ${footer.stream}`);
  const corrections = await correctionsOf(options, footer.stream, signal);
  const group = indexer.group(key);
  const abandon = () => group.abandon();
  signal.addEventListener('abort', abandon, { once: true });
  const aside = new Aside();
  const seen = new Set<string>();
  try {
    for await (const { block, bytes: data } of readBlocks(objects, key, footer.blocks, readBytes, signal)) {
      if (seen.has(block.id)) continue;
      seen.add(block.id);
      try {
        const decoded = decodeNamed(data, block.id, footer.stream);
        await indexBlock(options, key, { id: block.id, decoded, corrections }, group, aside);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        emit('object_corrupt', { object: key, block: block.id, error: error.message });
        aside.block(block.id, error.message);
      }
    }
    group.seal();
    const result = await inTime(options, key, group.done);
    if (result === undefined) throw stopped(key);
    await correctLate(options, corrections, { key, bytes, stream: footer.stream }, signal);
    const mark = finishedMark({ key, stream: footer.stream }, () => footer.sources, aside.addTo(result));
    if (options.again) await store.replaceMark(mark, signal);
    else await store.putMark(mark, signal);
    noteExceptions(storm, mark);
    emit('object_filled', { object: key, events: mark.events, exceptions: mark.setAside ?? 0 });
  } finally {
    signal.removeEventListener('abort', abandon);
    group.abandon(); // no effect on a group that is done
  }
}

/** What of an object never came to the store. */
class Aside {
  readonly #named: MarkException[] = [];
  #count = 0;
  #events = 0;

  /** A block of which nothing can be said but its id. */
  block(id: string, error: string): void {
    this.#add({ id, block: id, reason: error, kind: 'block', outcome: 'missing' });
  }

  /** Events of a block whose rule makes no documents here. */
  events(block: string, ids: readonly string[], reason: string): void {
    for (const id of ids.slice(0, namedMax)) {
      this.#add({ id, block, reason, kind: 'rule', outcome: 'missing' });
    }
    this.#count += Math.max(0, ids.length - namedMax);
    this.#events += ids.length;
  }

  addTo(result: GroupResult): GroupResult {
    if (this.#count === 0) return result;
    return {
      ...result,
      events: result.events + this.#events,
      exceptions: [...result.exceptions, ...this.#named],
      setAside: (result.setAside ?? 0) + this.#count,
    };
  }

  #add(exception: MarkException): void {
    this.#count++;
    if (this.#named.length < namedMax) this.#named.push(exception);
  }
}

function stopped(key: string): MillraceError {
  return new MillraceError('DEADLINE', `filling ${key} was stopped`);
}

/** What `work` resolves to. @throws MillraceError STORE_UNAVAILABLE when it takes too long */
async function inTime<T>({ clock, giveUpMs }: FillOptions, key: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(giveUpMs, timer.signal).then(() => {
    throw new MillraceError('STORE_UNAVAILABLE', `the store takes nothing of ${key}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    timer.abort();
  }
}

function decodeNamed(data: Buffer, id: string, stream: string): Block {
  if (blockId(data) !== id) throw new MillraceError('ARCHIVE_CORRUPT', 'the block is not the one of its id');
  const block = decodeBlock(data);
  if (block.header.stream !== stream)
    throw new MillraceError('ARCHIVE_CORRUPT', `the block is of stream ${block.header.stream}`);
  return block;
}

/** The bytes are at fault, or of a newer version: another version may read them, trying again does not help. */
function isUnreadable(error: unknown): error is MillraceError {
  return (['WIRE_CORRUPT', 'WIRE_LIMIT', 'WIRE_UNSUPPORTED', 'ARCHIVE_CORRUPT'] as const).some((code) =>
    isMillraceError(error, code),
  );
}

/** A correction that cannot be read says nothing against the object: it is tried again, not taken for a corrupt one. */
async function correctionsOf(
  options: FillOptions,
  stream: string,
  signal: AbortSignal,
): Promise<Corrections> {
  try {
    return await options.corrections(stream, signal);
  } catch (error) {
    if (!isMillraceError(error, 'ARCHIVE_CORRUPT')) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new MillraceError('RULE_INVALID', `a correction of ${stream}: ${error.message}`, hint);
  }
}

interface CorrectableBlock {
  id: string;
  decoded: Block;
  corrections: Corrections;
}

/** A correction that was made meanwhile has passed by this object: what was indexed here is brought in line. */
async function correctLate(
  options: FillOptions,
  before: Corrections,
  { key, bytes, stream }: { key: string; bytes: number; stream: string },
  signal: AbortSignal,
): Promise<void> {
  const { store, emit } = options;
  const now = await correctionsOf(options, stream, signal);
  if (now.version === before.version) return;
  const indices = await indicesOf(store, signal);
  const onProblem = (object: string, error: string) => emit('object_corrupt', { object, error });
  await applyCorrections({ ...options, indices, onProblem, signal }, now, key, bytes);
}

/** Indexes what of a block can be rendered. */
async function indexBlock(
  options: FillOptions,
  key: string,
  block: CorrectableBlock,
  group: IndexGroup,
  aside: Aside,
): Promise<void> {
  for (const documents of documentsOf(options.renderer, block, aside)) {
    if (!(await inTime(options, key, options.indexer.add(documents, group, block.id)))) throw stopped(key);
  }
}

function* documentsOf(
  renderer: Renderer,
  { id, decoded, corrections }: CorrectableBlock,
  aside: Aside,
): Generator<RenderedDocument[]> {
  try {
    const corrected = corrections.correct(decoded);
    const block = corrected?.block ?? decoded;
    for (const { documents, unrendered } of renderedBatches(renderer, block, corrected?.records())) {
      for (const { error, ids } of unrendered) aside.events(id, ids, error.message);
      yield documents;
    }
  } catch (error) {
    // A fault in here, not in the bytes: the next version may do better.
    aside.block(id, `fault: ${messageOf(error)}`);
  }
}
