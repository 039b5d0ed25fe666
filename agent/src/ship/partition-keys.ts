import type { Clock } from '@millrace/core/runtime/clock.ts';

/**
 * Draws partition keys of 32 random bits: no shard runs hot, and nothing relies on arrival order (D1). Chance is enough
 * to spread records; the system's random bytes, one call a line, would cost more than all else.
 */
export function createKeyDraw(clock: Clock): () => number {
  let state = new DataView(Uint8Array.from(clock.bytes(4)).buffer).getUint32(0) || 1;
  return () => {
    // xorshift32: every number but 0 comes once before one comes again.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** As a batch's body has it. */
export function keyText(bits: number): string {
  return bits.toString(16).padStart(8, '0');
}
