import type { RenderedDocument } from '@millrace/core/document/types.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import type { Counts } from './counts.ts';

/** The selected events of one block. */
export interface SelectedBlock {
  /** 32 hexadecimal digits. */
  id: string;
  /** As it lies in the archive. */
  bytes: Buffer;
  /** Decoded, with the rules of the corrections that touch it. */
  block: Block;
  /** A correction touches it: its bytes are not what is replayed. */
  corrected: boolean;
  /** Every record of it is selected, as it is. */
  whole: boolean;
  /** Documents and the records that they are of, side by side, some thousands at a time; made as they are asked for. */
  batches(): Iterable<Batch>;
}

export interface Batch {
  documents: RenderedDocument[];
  records: BlockRecord[];
}

/** Where a replay goes. */
export interface ReplayTarget {
  /** Begins an archive object. */
  open(stream: string): ReplaySink;
  /** After the last object, also of a replay that failed. */
  close(): Promise<void>;
}

export interface ReplaySink {
  /** Takes the events of a block and counts them; waits while there is no room. */
  take(selected: SelectedBlock, counts: Counts): Promise<void>;
  /** All blocks of the object are taken. Resolves when nothing of it is under way, with what had to be waited for. */
  end(): Promise<Partial<Counts>>;
}
