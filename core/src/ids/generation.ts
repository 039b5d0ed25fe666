import type { Clock } from '../runtime/clock.ts';

/** Bytes of a generation. */
export const generationBytes = 16;

/** Mints a generation: a UUIDv7 (RFC 9562), 48 bits of milliseconds, then 74 random bits. */
export function mintGeneration(clock: Pick<Clock, 'now' | 'bytes'>): Buffer {
  const id = Buffer.from(clock.bytes(generationBytes));
  id.writeUIntBE(clock.now(), 0, 6);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x70;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}

/** Text form, 22 characters; sorts as the bytes do not, but is what both engines show. */
export function generationText(generation: Uint8Array): string {
  return Buffer.from(generation.buffer, generation.byteOffset, generation.length).toString('base64url');
}
