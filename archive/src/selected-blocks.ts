import type { FooterBlock } from '@millrace/core/archive/footer.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { decodeBlock, decodeHeader } from '@millrace/core/wire/decode.ts';
import type { Corrections } from './corrections/corrections.ts';
import type { ObjectStore } from './object-store.ts';
import { readBlocks } from './reader.ts';
import { withoutDropped } from './without-dropped.ts';

/** A block of which something is selected. */
export interface SelectedBlock {
  id: string;
  block: Block;
  /** Indexes of the runs that are selected. */
  runs: Set<number>;
}

interface Wanted {
  objects: ObjectStore;
  key: string;
  blocks: FooterBlock[];
  /** Which runs of a block are wanted; blocks without any are not decompressed. */
  runs(header: Block['header']): Set<number>;
  /** Told of each block that is damaged, or of a newer version. */
  onProblem(problem: { key: string; block: string; error: Error }): void;
  /** Bytes read at a time. */
  readBytes: number;
  /** Records that these drop are left out; what was dropped is an exception of its run. */
  corrections: Corrections | undefined;
}

/**
 * The blocks of an object that hold what is wanted, in their order.
 * @throws MillraceError ARCHIVE_CORRUPT (the object is not what it was), ARCHIVE_UNAVAILABLE
 */
export async function* selectedBlocks(wanted: Wanted, signal?: AbortSignal): AsyncGenerator<SelectedBlock> {
  const { objects, key, blocks, readBytes } = wanted;
  for await (const { block, bytes } of readBlocks(objects, key, blocks, readBytes, signal)) {
    try {
      const runs = wanted.runs(decodeHeader(bytes).header);
      if (runs.size === 0) continue;
      if (blockId(bytes) !== block.id) {
        throw new MillraceError('ARCHIVE_CORRUPT', 'the block is not the one of its id');
      }
      const decoded = decodeBlock(bytes);
      const kept = wanted.corrections === undefined ? decoded : withoutDropped(decoded, wanted.corrections);
      yield { id: block.id, block: kept, runs };
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      wanted.onProblem({ key, block: block.id, error });
    }
  }
}

/** Block ids that a reader has met, of which it keeps one each; beyond `max` the oldest are forgotten. */
export class SeenBlocks {
  readonly #max: number;
  readonly #ids = new Set<string>();

  constructor(max = 1_000_000) {
    this.#max = max;
  }

  /** True for an id that was not added before. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > this.#max) {
      const [oldest] = this.#ids;
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    return true;
  }
}
