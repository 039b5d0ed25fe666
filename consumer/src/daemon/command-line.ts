import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process's command line; empty when there is no such process. Pids are used again: compare before acting. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // No /proc here (macOS), or no such process: ps answers the same question everywhere.
  }
  try {
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch {
    return '';
  }
}
