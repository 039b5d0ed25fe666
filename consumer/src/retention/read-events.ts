import type { CatalogEntry } from '@millrace/archive/catalog.ts';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks } from '@millrace/archive/reader.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { renderedBatches } from '../index/batches.ts';

export interface ReadEventsOptions {
  objects: ObjectStore;
  renderer: Renderer;
  readBytes: number;
  signal: AbortSignal;
}

/** Ids and indices of the events of some blocks of an object, as every reader of the archive makes them. */
export async function* readEvents(
  { objects, renderer, readBytes, signal }: ReadEventsOptions,
  { key, footer }: CatalogEntry,
  corrections: Corrections,
  wanted: (block: string) => boolean,
): AsyncGenerator<{ index: string; id: string }[]> {
  const blocks = footer.blocks.filter(({ id }) => wanted(id));
  for await (const { bytes } of readBlocks(objects, key, blocks, readBytes, signal)) {
    try {
      const decoded = decodeBlock(bytes);
      const corrected = corrections.correct(decoded);
      const block = corrected?.block ?? decoded;
      for (const { documents } of renderedBatches(renderer, block, corrected?.records())) {
        yield documents.map(({ index, id }) => ({ index, id }));
      }
    } catch {
      // What cannot be read or rendered has no events here: its mark names it as set aside.
    }
  }
}
