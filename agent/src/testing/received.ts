import { crc32 } from 'node:zlib';
import { eventId } from '@millrace/core/ids/event-id.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

/** One record as the stream got it. */
export interface ReceivedRecord {
  id: string;
  generation: string;
  path: string;
  tag: string;
  offset: number;
  /** Latin-1, so that each byte is one character. */
  text: string;
  /** Source bytes that the record stands for end here. */
  end: number;
}

/** Every copy of every record. */
export function* copiesOf(blocks: Iterable<Uint8Array>): Generator<ReceivedRecord> {
  for (const bytes of blocks) {
    const block = decodeBlock(bytes);
    for (const record of blockRecords(block)) {
      const shipped = block.payload.subarray(record.start, record.end);
      yield {
        id: eventId(record.source.generation, record.offset, crc32(shipped)),
        generation: generationText(record.source.generation),
        path: record.source.path,
        tag: record.source.tag,
        offset: record.offset,
        text: Buffer.from(shipped).toString('latin1'),
        end: record.offset + shipped.length,
      };
    }
  }
}

/** One of each event id, in order of arrival. */
export function recordsOf(blocks: Iterable<Uint8Array>): ReceivedRecord[] {
  const seen = new Map<string, ReceivedRecord>();
  for (const record of copiesOf(blocks)) if (!seen.has(record.id)) seen.set(record.id, record);
  return [...seen.values()];
}
