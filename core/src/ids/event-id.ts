import { hash } from 'node:crypto';

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
  sequence: string;
  /** KPL sub-sequence number, 0 without aggregation. */
  subSequence: number;
}

/**
 * The generation of a foreign record's content: a UUIDv8 of what names the record, the same however often it is
 * delivered. Version 8 keeps the form apart from the generations of files, which are version 7.
 */
export function foreignGeneration({ stream, shard, sequence, subSequence }: ForeignOrigin): Buffer {
  const name = `${stream}\0${shard}\0${sequence}\0${subSequence}`;
  const id = hash('sha256', name, 'buffer').subarray(0, 16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x80;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}
