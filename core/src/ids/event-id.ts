import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const idBytes = 26;
const scratch = Buffer.alloc(idBytes);

/**
 * Event id (D3): generation (16 B), offset (6 B, big-endian), CRC-32 of the record's shipped bytes, terminator
 * included (4 B, big-endian), as base64url: 35 characters. The CRC keeps two different records that claim one
 * offset apart; equal bytes at an equal offset are the same event, however often they are sent.
 */
export function eventId(generation: Uint8Array, offset: number, crc: number): string {
  scratch.set(generation, 0);
  scratch.writeUIntBE(offset, 16, 6);
  scratch.writeUInt32BE(crc, 22);
  return scratch.toString('base64url');
}

/** Where a foreign record (not a Millrace block) came from: everything that names it in Kinesis. */
export interface ForeignOrigin {
  /** Kinesis stream name. */
  stream: string;
  shard: string;
  sequenceNumber: string;
  /** KPL sub-sequence number, 0 without aggregation; below 2^24. */
  subSequenceNumber: number;
  /** Index of the event within the record; below 2^24. */
  index: number;
}

/**
 * Id of an event of a foreign record. Its first 16 bytes are a UUIDv8 made from stream, shard and sequence number:
 * version 8 keeps the form apart from generations, which are version 7.
 */
export function foreignEventId(origin: ForeignOrigin, bytes: Uint8Array): string {
  const name = `${origin.stream}\0${origin.shard}\0${origin.sequenceNumber}`;
  const prefix = createHash('sha256').update(name).digest().subarray(0, 16);
  prefix[6] = ((prefix[6] ?? 0) & 0x0f) | 0x80;
  prefix[8] = ((prefix[8] ?? 0) & 0x3f) | 0x80;
  return eventId(prefix, origin.subSequenceNumber * 2 ** 24 + origin.index, crc32(bytes));
}
