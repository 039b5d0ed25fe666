/**
 * True when `bytes[from, to)` has no backslash and no control character but line feeds; false too where that is not
 * certain at little cost.
 */
export function bare(bytes: Buffer, from: number, to: number): boolean {
  if (bytes.byteOffset % 4 !== 0) return false;
  const backslash = bytes.indexOf(0x5c, from);
  if (backslash >= 0 && backslash < to) return false;
  // Whole words, those at both ends included: what stands beside the stretch can only make the answer false.
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const last = Math.min(words.length, (to + 3) >> 2);
  for (let i = from >> 2; i < last; i++) {
    const word = words[i] as number;
    // The high bit of each byte below 0x20.
    if (((word - 0x20202020) & ~word & -0x7f7f7f80) !== 0 && !feedsOnly(bytes, i * 4, i * 4 + 4))
      return false;
  }
  return feedsOnly(bytes, last * 4, to);
}

/** No control character but line feeds. */
function feedsOnly(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte < 0x20 && byte !== 0x0a) return false;
  }
  return true;
}
