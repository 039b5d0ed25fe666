import { hash } from 'node:crypto';

/** Block id: the first 128 bits of the SHA-256 of the block's bytes, hexadecimal, 32 characters. */
export function blockId(block: Uint8Array): string {
  return hash('sha256', block, 'hex').slice(0, 32);
}
