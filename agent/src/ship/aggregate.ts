import { createHash } from 'node:crypto';
import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import type { EncodeEvent, Packing } from './packing.ts';
import type { OpenBlock, RecordBatch } from './record-batch.ts';

/** What the Kinesis Producer Library puts before an aggregate, so that consumers know one. */
const magic = Buffer.from('f3899ac2', 'hex');
const digestBytes = 16;
/** Tags and lengths of one record in an aggregate at most. */
const besideRecord = 16;

/**
 * Packs events as the Kinesis Producer Library does (magic, protobuf, MD5), so that AWS's own libraries take them
 * apart: AggregatedRecord { 1: partition_key_table; 3: records { 1: partition_key_index; 3: data } }. All events of an
 * aggregate share its partition key. An aggregate is at most `bytesMax` long, unless one event alone is longer.
 */
export function aggregatedRecords(
  encode: EncodeEvent,
  drawKey: () => string,
  bytesMax: number,
  recordBytesMax: number,
): Packing {
  let key = '';
  /** Blocks with events in the aggregate that is being filled. */
  let blocks: OpenBlock[] = [];
  const begin = (batch: RecordBatch) => {
    key = drawKey();
    blocks = [];
    batch.write(magic);
    writeField(batch, 1, Buffer.byteLength(key));
    batch.write(key);
  };
  const finish = (batch: RecordBatch) => {
    const start = batch.startOf(batch.count);
    if (blocks.length === 0) return;
    const message = batch.data.subarray(start + magic.length, batch.at);
    batch.write(createHash('md5').update(message).digest());
    for (const block of blocks) block.left++;
    batch.close(key, blocks);
    blocks = [];
  };
  return {
    add(batch, event, block, bounds) {
      for (;;) {
        if (blocks.length === 0) {
          if (batch.count >= bounds.records || (batch.count > 0 && batch.bytes >= bounds.bytes))
            return 'full';
          begin(batch);
        }
        const before = batch.at;
        writeRecord(batch, event, encode);
        const size = batch.openBytes(key) + digestBytes;
        const alone = blocks.length === 0;
        const tooLarge = size > recordBytesMax;
        const full = batch.count > 0 && batch.bytes + size > bounds.bytes;
        if (!tooLarge && !full && (alone || size <= bytesMax)) break;
        batch.at = before;
        finish(batch);
        batch.reopen();
        // Another aggregate may hold it.
        if (!alone && !full && (tooLarge || size > bytesMax)) continue;
        return tooLarge && alone ? { size } : 'full';
      }
      if (blocks.at(-1) !== block) blocks.push(block);
      return 'added';
    },
    finish,
  };
}

/** Field 3: a record with the first key of the table. */
function writeRecord(batch: RecordBatch, event: PlainEvent, encode: EncodeEvent): void {
  const { at } = batch;
  batch.reserve(besideRecord);
  // The length comes first, and is known last: most lines are of the usual size.
  batch.at = at + usualHeadBytes;
  batch.writeEvent(event, encode);
  const size = batch.at - at - usualHeadBytes;
  const head = headBytes(size);
  if (head !== usualHeadBytes) {
    batch.reserve(besideRecord);
    batch.data.copyWithin(at + head, at + usualHeadBytes, batch.at);
  }
  batch.at = at;
  writeField(batch, 3, 3 + varintBytes(size) + size);
  batch.data[batch.at] = 0x08;
  batch.data[batch.at + 1] = 0x00;
  batch.at += 2;
  writeField(batch, 3, size);
  batch.at += size;
}

function headBytes(size: number): number {
  const beside = 3 + varintBytes(size);
  return 1 + varintBytes(beside + size) + beside;
}

/** Of records of 128 to 16,379 bytes. */
const usualHeadBytes = headBytes(200);

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}

/** Tag and length of a length-delimited field. */
function writeField(batch: RecordBatch, number: number, length: number): void {
  batch.reserve(besideRecord);
  const { data } = batch;
  let at = batch.at;
  data[at++] = (number << 3) | 2;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) data[at++] = (rest & 0x7f) | 0x80;
  data[at++] = rest;
  batch.at = at;
}
