import type { Corrected } from '@millrace/archive/corrections/corrections.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { Selection, Share } from './selection.ts';
import type { Batch, SelectedBlock } from './target.ts';

interface Choice {
  id: string;
  bytes: Buffer;
  block: Block;
  /** Of the object that the block is in. */
  share: Share;
  corrected: Corrected | undefined;
  selection: Selection;
  renderer: Renderer;
  unreadable(error: string, events: number): void;
}

/** Records, and bytes of documents, after which a batch ends. */
const recordsMax = 10_000;
const bytesMax = 16 * 1024 * 1024;

/** What of a block is replayed; undefined: nothing. */
export function selectedBlock(choice: Choice): SelectedBlock | undefined {
  const { id, bytes, block, share, corrected, selection } = choice;
  const { host, sources, runs } = block.header;
  if (runs.length === 0) return undefined;
  const taken = new Set(sources.filter((source) => selection.takesSource(host, source)));
  if (taken.size === 0) return undefined;
  return {
    id,
    bytes,
    block: corrected?.block ?? block,
    corrected: corrected !== undefined,
    whole: share === 'whole' && corrected === undefined,
    batches: () =>
      blamed(batches(choice, ({ run }) => taken.has(sources[run.source] as (typeof sources)[0]))),
  };
}

/** @throws MillraceError WIRE_CORRUPT for a fault in here, too: it is this block's, and the others are replayed */
function* blamed(all: Iterable<Batch>): Generator<Batch> {
  try {
    yield* all;
  } catch (cause) {
    if (isMillraceError(cause)) throw cause;
    throw new MillraceError('WIRE_CORRUPT', `fault: ${messageOf(cause)}`, { cause });
  }
}

function* batches(choice: Choice, taken: (record: BlockRecord) => boolean): Generator<Batch> {
  const { block, corrected, renderer, selection, share, unreadable } = choice;
  const records = corrected?.records() ?? blockRecords(block);
  for (let ended = false; !ended; ) {
    const batch: Batch = { documents: [], records: [] };
    let bytes = 0;
    let current: BlockRecord | undefined;
    const some = function* (): Generator<BlockRecord> {
      for (let count = 0; count < recordsMax && bytes < bytesMax; count++) {
        const next = records.next();
        if (next.done) {
          ended = true;
          return;
        }
        if (!taken(next.value)) continue;
        current = next.value;
        yield current;
      }
    };
    const unrendered = renderer.renderBlock(corrected?.block ?? block, some(), (document) => {
      // Of what the footer says nothing holds for an event that a correction may have moved to another day.
      const known = share === 'whole' && corrected === undefined;
      if (current === undefined || !(known || selection.takesDocument(document))) return;
      batch.documents.push(document);
      batch.records.push(current);
      // Also makes one flat text of its pieces, which takes twice as long once thousands have gone through the caches.
      bytes += Buffer.byteLength(document.source);
    });
    for (const { error, ids } of unrendered) unreadable(error.message, ids.length);
    yield batch;
  }
}
