import type { Renderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { reads } from '../set-aside/mark.ts';
import type { BlockNote, Noted } from '../shard/block-note.ts';

/**
 * A renderer that notes which block it is at, and refuses one that processes of this version did not come back from.
 * @throws MillraceError WIRE_UNSUPPORTED for such a block: another version may do better
 */
export function watchedRenderer(renderer: Renderer, note: Pick<BlockNote, 'condemned' | 'during'>): Renderer {
  /** Blocks come in batches. */
  const names = new WeakMap<Block, Noted>();
  return {
    renderBlock(block, records, emit) {
      const name = names.get(block) ?? { sequence: `${blockId(block.payload)} ${reads}`, subSequence: 0 };
      names.set(block, name);
      if (note.condemned(name)) {
        throw new MillraceError('WIRE_UNSUPPORTED', 'processes that worked at this block hung or crashed');
      }
      return note.during(name, () => renderer.renderBlock(block, records, emit));
    },
  };
}
