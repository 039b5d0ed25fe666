import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import type { OpenBlock, RecordBatch } from './record-batch.ts';

/** How an output puts events into the records of a request. */
export interface Packing {
  /**
   * Adds an event. 'full': it is not in the batch, which has no room for it within the bounds. 'too_large': no record
   * can hold it; `size` is what it would have.
   */
  add(batch: RecordBatch, event: PlainEvent, block: OpenBlock, bounds: BatchBounds): Added;
  /** Ends a record that further events could have come into. */
  finish(batch: RecordBatch): void;
}

export interface BatchBounds {
  records: number;
  bytes: number;
}

export type Added = 'added' | 'full' | { size: number };

/** One event as text or bytes. */
export interface EncodeEvent {
  (event: PlainEvent): string | Uint8Array;
  /** It is the event's own JSON with this behind it. */
  jsonEnd?: string;
}

/** Each event is a record. */
export function singleRecords(
  encode: EncodeEvent,
  keyOf: (event: PlainEvent) => string | undefined,
  recordBytesMax: number,
): Packing {
  let last: OpenBlock | undefined;
  let blocks: readonly OpenBlock[] = [];
  return {
    add(batch, event, block, bounds) {
      if (batch.count >= bounds.records) return 'full';
      batch.writeEvent(event, encode);
      const key = keyOf(event);
      const size = batch.openBytes(key);
      if (size > recordBytesMax) {
        batch.reopen();
        return { size };
      }
      if (batch.count > 0 && batch.bytes + size > bounds.bytes) {
        batch.reopen();
        return 'full';
      }
      if (block !== last) {
        last = block;
        blocks = [block];
      }
      block.left++;
      batch.close(key, blocks);
      return 'added';
    },
    finish() {},
  };
}
