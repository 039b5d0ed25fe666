import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Mark, MarkException, Store } from '@millrace/core/store/port.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import type { ConsumerTelemetry } from '../events.ts';
import { renderedBatches } from '../index/batches.ts';
import type { Indexer, IndexGroup } from '../index/indexer.ts';

export interface FillOptions {
  objects: ObjectStore;
  store: Store;
  indexer: Indexer;
  renderer: Renderer;
  emit: ConsumerTelemetry['emit'];
  readBytes: number;
  clock: Clock;
  /** The store takes nothing of an object for so long: the filler goes on with others. Milliseconds. */
  giveUpMs: number;
}

/**
 * Indexes every event of an archive object and writes its mark; documents that are there already are no work for
 * the store. Returns false when a newer version is needed for some of it: then all the rest is indexed, without a mark.
 * @throws MillraceError ARCHIVE_CORRUPT for an object without a readable footer; ARCHIVE_UNAVAILABLE,
 * STORE_UNAVAILABLE: try again later
 */
export async function fillObject(
  options: FillOptions,
  key: string,
  bytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { objects, store, indexer, emit, readBytes } = options;
  const footer = await readFooter(objects, key, bytes, signal);
  const group = indexer.group();
  const abandon = () => group.abandon();
  signal.addEventListener('abort', abandon, { once: true });
  const corrupt: MarkException[] = [];
  const seen = new Set<string>();
  let whole = true;
  const later = (block: string, error: string) => {
    whole = false;
    emit('object_unfilled', { object: key, block, error });
  };
  try {
    for await (const { block, bytes: data } of readBlocks(objects, key, footer.blocks, readBytes, signal)) {
      if (seen.has(block.id)) continue;
      seen.add(block.id);
      try {
        const decoded = decodeNamed(data, block.id);
        await indexBlock(options, key, decoded, group, (error) => later(block.id, error));
      } catch (error) {
        if (isMillraceError(error, 'WIRE_UNSUPPORTED')) later(block.id, error.message);
        else if (!isDamage(error)) throw error;
        else {
          emit('object_corrupt', { object: key, block: block.id, error: error.message });
          corrupt.push({ id: block.id, reason: `block: ${error.message}`, outcome: 'missing' });
        }
      }
    }
    group.seal();
    const result = await inTime(options, key, group.done);
    if (result === undefined) throw stopped(key);
    if (!whole) return false;
    const exceptions = [...result.exceptions, ...corrupt];
    const mark: Mark = { object: key, stream: footer.stream, ...result, exceptions };
    await store.putMark(mark, signal);
    emit('object_filled', { object: key, events: mark.events, exceptions: mark.exceptions.length });
    return true;
  } finally {
    signal.removeEventListener('abort', abandon);
    group.abandon(); // no effect on a group that is done
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

function decodeNamed(data: Buffer, id: string): Block {
  if (blockId(data) !== id) throw new MillraceError('ARCHIVE_CORRUPT', 'the block is not the one of its id');
  return decodeBlock(data);
}

/** The bytes are at fault, for every version: only then a block may be missing for good. */
function isDamage(error: unknown): error is MillraceError {
  return (['WIRE_CORRUPT', 'WIRE_LIMIT', 'ARCHIVE_CORRUPT'] as const).some((code) =>
    isMillraceError(error, code),
  );
}

/** Indexes what of a block can be rendered; `later` hears of what waits for another version. */
async function indexBlock(
  options: FillOptions,
  key: string,
  block: Block,
  group: IndexGroup,
  later: (error: string) => void,
): Promise<void> {
  for (const documents of documentsOf(options.renderer, block, later)) {
    if (!(await inTime(options, key, options.indexer.add(documents, group)))) throw stopped(key);
  }
}

function* documentsOf(
  renderer: Renderer,
  block: Block,
  later: (error: string) => void,
): Generator<RenderedDocument[]> {
  try {
    for (const { documents, unrendered } of renderedBatches(renderer, block)) {
      if (unrendered[0] !== undefined) later(unrendered[0].error.message);
      yield documents;
    }
  } catch (error) {
    // A fault in here, not in the bytes: the next version may do better.
    later(messageOf(error));
  }
}
