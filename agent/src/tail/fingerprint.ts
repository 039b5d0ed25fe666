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
