import { isIP } from 'node:net';

/** An address as a number of 128 bits; undefined for what is none. */
export function addressOf(text: string): bigint | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return 0xffff_0000_0000n + groups(text.split('.'), 10, 8n);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex = (high: string | undefined, low: string | undefined) =>
    (Number(high) * 256 + Number(low)).toString(16);
  const plain =
    dotted === null ? text : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return groups([...before, ...(tail === undefined ? [] : zeros), ...after], 16, 16n);
}

/** The one spelling that engines give an address; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = addressOf(text);
  if (address === undefined) return undefined;
  if (address >> 32n === 0xffffn)
    return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
  const words = Array.from({ length: 8 }, (_, i) => Number((address >> BigInt(112 - 16 * i)) & 0xffffn));
  const gap = longestZeros(words);
  const hex = (list: number[]) => list.map((word) => word.toString(16)).join(':');
  if (gap === undefined) return hex(words);
  return `${hex(words.slice(0, gap.start))}::${hex(words.slice(gap.end))}`;
}

/** The first of the longest runs of two zeros or more. */
function longestZeros(words: readonly number[]): { start: number; end: number } | undefined {
  let best: { start: number; end: number } | undefined;
  for (let start = 0; start < words.length; start++) {
    let end = start;
    while (words[end] === 0) end++;
    if (end - start >= 2 && end - start > (best === undefined ? 0 : best.end - best.start))
      best = { start, end };
  }
  return best;
}

function groups(parts: readonly string[], radix: number, bits: bigint): bigint {
  return parts.reduce((sum, part) => (sum << bits) + BigInt(Number.parseInt(part, radix)), 0n);
}
