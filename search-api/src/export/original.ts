import { crc32 } from 'node:zlib';
import type { SearchHit } from '@millrace/core/store/port.ts';

const terminators = [Buffer.from('\n'), Buffer.from('\r\n'), Buffer.alloc(0)];

/**
 * The original bytes of an event: of the archive, or its message where that is all of them. No guess: the event's id
 * ends with the CRC-32 of the record's bytes, terminator included.
 */
export function originalOf({ id, source, raw }: SearchHit): Uint8Array | undefined {
  if (raw !== undefined) return raw;
  if (typeof source.message !== 'string') return undefined;
  const expected = recordCrc(id);
  if (expected === undefined) return undefined;
  const text = Buffer.from(source.message);
  const before = crc32(text);
  for (const terminator of terminators) {
    if (crc32(terminator, before) !== expected) continue;
    return terminator.length === 0 ? text : Buffer.concat([text, terminator]);
  }
  return undefined;
}

function recordCrc(id: string): number | undefined {
  const bytes = Buffer.from(id, 'base64url');
  return bytes.length === 26 ? bytes.readUInt32BE(22) : undefined;
}
