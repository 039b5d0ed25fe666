import type { Renderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Mark, MarkException, Store } from '@millrace/core/store/port.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { ObjectStore } from '../archive/object-store.ts';
import { readBlocks, readFooter } from '../archive/reader.ts';
import type { ConsumerTelemetry } from '../events.ts';
import type { Indexer } from '../index/indexer.ts';

export interface FillOptions {
  objects: ObjectStore;
  store: Store;
  indexer: Indexer;
  renderer: Renderer;
  emit: ConsumerTelemetry['emit'];
  readBytes: number;
}

/**
 * Indexes every event of an archive object and writes its mark; documents that are there already are no work for
 * the store. Returns false when a newer version is needed for some of it: then there is no mark.
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
  try {
    for await (const { block, bytes: data } of readBlocks(objects, key, footer.blocks, readBytes, signal)) {
      if (seen.has(block.id)) continue;
      seen.add(block.id);
      const made = documentsOf(options, key, block.id, data);
      if (Array.isArray(made)) {
        if (!(await indexer.add(made, group))) throw stopped(key);
      } else if (made.outcome === 'missing') corrupt.push(made);
      else whole = false;
    }
    if (!whole) return false;
    group.seal();
    const result = await group.done;
    if (result === undefined) throw stopped(key);
    const mark: Mark = {
      object: key,
      stream: footer.stream,
      ...result,
      exceptions: [...result.exceptions, ...corrupt],
    };
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

/** A block's documents; or why there are none: it is damaged for good, or waits for an upgrade. */
function documentsOf(
  { renderer, emit }: FillOptions,
  key: string,
  id: string,
  data: Buffer,
): RenderedDocument[] | MarkException | { outcome: 'later' } {
  try {
    if (blockId(data) !== id)
      throw new MillraceError('ARCHIVE_CORRUPT', 'the block is not the one of its id');
    const block = decodeBlock(data);
    const documents: RenderedDocument[] = [];
    const unrendered = renderer.renderBlock(block, blockRecords(block), (document) =>
      documents.push(document),
    );
    const first = unrendered[0];
    if (first === undefined) return documents;
    emit('object_unfilled', { object: key, block: id, error: first.error.message });
    return { outcome: 'later' };
  } catch (error) {
    if (isMillraceError(error, 'WIRE_UNSUPPORTED')) {
      emit('object_unfilled', { object: key, block: id, error: error.message });
      return { outcome: 'later' };
    }
    emit('object_corrupt', { object: key, block: id, error: messageOf(error) });
    return { id, reason: `block: ${messageOf(error)}`, outcome: 'missing' };
  }
}
