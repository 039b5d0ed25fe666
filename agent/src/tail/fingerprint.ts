import { hash } from 'node:crypto';
import { readSync } from 'node:fs';

/** Bytes of a head or tail that identity is proven by. */
export const fingerprintBytes = 1024;

/** 128 bits of SHA-256. */
export function fingerprint(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer').subarray(0, 16);
}

/** Up to `size` bytes at `at`; shorter where the file ends. */
export function readAt(fd: number, at: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const count = readSync(fd, bytes, done, size - done, at + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

/** The last bytes of `a` followed by `b`, at most `size`, in memory of their own. */
export function lastBytes(a: Buffer, b: Buffer, size: number): Buffer {
  if (b.length >= size) return Buffer.from(b.subarray(b.length - size));
  const both = Buffer.concat([a, b]);
  return both.subarray(Math.max(0, both.length - size));
}
