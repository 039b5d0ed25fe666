import type { Stats } from 'node:fs';
import { fingerprintBytes, readAt } from './fingerprint.ts';

/** What a generation begins with that is read from `position`. */
export function standingAt(fd: number, position: number, stat: Stats) {
  const size = Math.min(fingerprintBytes, position);
  return {
    position,
    head: readAt(fd, 0, size),
    tail: readAt(fd, position - size, size),
    oldUntil: stat.size,
    oldMs: Math.round(stat.mtimeMs),
  };
}

/** The start of the line that `size` lies in, looking back 64 KiB at most. */
export function lineStartBefore(fd: number, size: number): number {
  const from = Math.max(0, size - 64 * 1024);
  const newline = readAt(fd, from, size - from).lastIndexOf(0x0a);
  return newline < 0 ? size : from + newline + 1;
}
