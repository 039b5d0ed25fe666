import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';

/**
 * An object of records that were set aside: a skippable frame that says how long the next one is, a zstd frame of
 * one JSON line per record, and a zstd frame of the records' bytes one after another. `zstd -dc` prints lines and
 * bytes; whoever lists reads the beginning only.
 */
export interface SetAsideRecord {
  reason: string;
  /** Error code. */
  code: string;
  message: string;
  /** Kinesis stream. */
  stream: string;
  shard: string;
  sequence_number: string;
  sub_sequence_number: number;
  partition_key: string;
  arrival_ms: number;
  /** Where the header could be read. */
  host?: string;
  /** Where the record's bytes lie among those of the object. */
  offset: number;
  bytes: number;
}

/** Bytes of an object's beginning that hold its index mostly. */
export const batchHeadBytes = 64 * 1024;

const magic = 0x184d2a50;
const name = Buffer.from('MRS1', 'latin1');
const headBytes = 16;
const indexBytesMax = 256 * 1024 * 1024;
const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };

export function encodeBatch(records: readonly SetAsideRecord[], bytes: Uint8Array[]): Buffer {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const index = zstdCompressSync(Buffer.from(lines), fast);
  const content = zstdCompressSync(Buffer.concat(bytes), fast);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(headBytes - 8, 4);
  name.copy(head, 8);
  head.writeUInt32LE(index.length, 12);
  return Buffer.concat([head, index, content]);
}

/** Where the frame of the bytes begins. @throws MillraceError ARCHIVE_CORRUPT */
export function batchIndexEnd(head: Buffer, key: string): number {
  const known =
    head.length >= headBytes && head.readUInt32LE(0) === magic && name.equals(head.subarray(8, 12));
  if (!known) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: not an object of set-aside records`);
  return headBytes + head.readUInt32LE(12);
}

/** `head`: the object up to `batchIndexEnd` at least. @throws MillraceError ARCHIVE_CORRUPT */
export function decodeBatchIndex(head: Buffer, key: string): SetAsideRecord[] {
  const frame = head.subarray(headBytes, batchIndexEnd(head, key));
  try {
    const lines = zstdDecompressSync(frame, { maxOutputLength: indexBytesMax }).toString();
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SetAsideRecord);
  } catch (error) {
    throw new MillraceError('ARCHIVE_CORRUPT', `${key}: ${messageOf(error)}`);
  }
}

/** The records' bytes, of which each record says its stretch. @throws MillraceError ARCHIVE_CORRUPT */
export function decodeBatchBytes(object: Buffer, key: string): Buffer {
  try {
    return zstdDecompressSync(object.subarray(batchIndexEnd(object, key)), {
      maxOutputLength: indexBytesMax,
    });
  } catch (error) {
    throw new MillraceError('ARCHIVE_CORRUPT', `${key}: ${messageOf(error)}`);
  }
}
