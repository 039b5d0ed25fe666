import { createEventReader, type PlainEvent } from '@millrace/core/document/plain-events.ts';
import { blockBytesMax } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import type { Outbox, OutboxBlock } from '../state/outbox.ts';

/** Smaller ones may share their memory with others. */
const ownBytesMin = 128 * 1024;

/**
 * Opens blocks in the outbox; one at a time, as they use the same memory. An event must not be used any more once the
 * next block is opened.
 * @throws MillraceError RULE_INVALID for a rule that this version does not know
 */
export function createBlockOpener(outbox: Outbox): (block: OutboxBlock) => Generator<PlainEvent> {
  const readEvents = createEventReader();
  let into: Buffer | undefined;
  return function* open({ seq }) {
    into ??= Buffer.allocUnsafeSlow(blockBytesMax);
    const block = decodeBlock(outbox.read(seq, into));
    try {
      yield* readEvents(block);
    } finally {
      // At once: V8 would let dozens of megabytes of them lie before it looks.
      const { buffer } = block.payload;
      if (buffer instanceof ArrayBuffer && buffer.byteLength >= ownBytesMin && buffer !== into.buffer)
        buffer.transfer(0);
    }
  };
}
