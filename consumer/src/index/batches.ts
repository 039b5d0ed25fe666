import type { Renderer, Unrendered } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

/** Records, and UTF-16 units of documents, after which a batch ends: most blocks are one batch. */
const recordsMax = 10_000;
const unitsMax = 16 * 1024 * 1024;

/**
 * A block's documents, some thousands at a time: a block of 200 bytes may hold a million empty lines, and all their
 * documents at once are more than a process has memory for.
 */
export function* renderedBatches(
  renderer: Renderer,
  block: Block,
): Generator<{ documents: RenderedDocument[]; unrendered: Unrendered[] }> {
  const records = blockRecords(block);
  let ended = false;
  while (!ended) {
    const documents: RenderedDocument[] = [];
    let units = 0;
    const some = function* (): Generator<BlockRecord> {
      for (let count = 0; count < recordsMax && units < unitsMax; count++) {
        const next = records.next();
        if (next.done) {
          ended = true;
          return;
        }
        yield next.value;
      }
    };
    const unrendered = renderer.renderBlock(block, some(), (document) => {
      documents.push(document);
      units += document.source.length;
    });
    yield { documents, unrendered };
  }
}
