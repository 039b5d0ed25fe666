import { readFileSync } from 'node:fs';

/**
 * Whether a process runs. One that has ended and that nobody waits for (a container whose first process is no init)
 * still has its pid, and does not count.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return true; // no /proc here (macOS), or it has ended since: the next look tells
  }
}

/** What tells a process from a later one of the same pid: when it started. Undefined where that is not known. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
