import { readFileSync } from 'node:fs';

/** Descriptors left for connections, the stores and everything else. */
const reserved = 64;
const reservedShare = 0.1;

/** Files that this process may hold open: what the system allows it (Node raises that to the hard limit), less a reserve. */
export function openFilesMax(): number {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return Number.POSITIVE_INFINITY; // no such system: the error of an open says it then
  }
  const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (found === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor(Number(found) * (1 - reservedShare)) - reserved);
}
