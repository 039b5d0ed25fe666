import type { GenerationRow } from '../state/database.ts';
import { type Compression, type Damage, decompressed } from './decompress.ts';
import { fingerprint, fingerprintBytes, lastBytes } from './fingerprint.ts';

/** What one reading of a compressed file tells of its content. */
export interface Probe {
  size: number;
  /** The first and the last KiB. */
  head: Buffer;
  end: Buffer;
  /** Known generations that this content holds up to where they were read, the furthest first. */
  proven: Proven[];
  damage: Damage | undefined;
}

export interface Proven {
  row: GenerationRow;
  /** Up to 1 KiB before `row.position`. */
  tail: Buffer;
}

/** Reads the content to its end, in bounded memory, and compares it with what is known of `rows`. */
export async function probe(fd: number, compression: Compression, rows: GenerationRow[]): Promise<Probe> {
  const waiting = rows.filter((row) => row.position > 0).sort((a, b) => a.position - b.position);
  const proven: Proven[] = [];
  let head: Buffer = Buffer.alloc(0);
  let end: Buffer = Buffer.alloc(0);
  let size = 0;
  let next = 0;
  const chunks = decompressed(fd, compression);
  for (;;) {
    const step = await chunks.next();
    if (step.done) return { size, head, end, proven: proven.reverse(), damage: step.value };
    const chunk = step.value;
    if (head.length < fingerprintBytes)
      head = Buffer.concat([head, chunk.subarray(0, fingerprintBytes - head.length)]);
    for (let row = waiting[next]; row && row.position <= size + chunk.length; row = waiting[++next]) {
      const tail = lastBytes(end, chunk.subarray(0, row.position - size), row.tailSize);
      const alike =
        fingerprint(head.subarray(0, row.headSize)).equals(row.headHash) &&
        fingerprint(tail).equals(row.tailHash);
      if (alike) proven.push({ row, tail });
    }
    end = lastBytes(end, chunk, fingerprintBytes);
    size += chunk.length;
  }
}
