import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { StackPaths } from './config-files.ts';
import { findOrphans } from './identity.ts';
import { readRunFile, recordedProcesses } from './run-file.ts';

/**
 * Stops what is left of a stack whose supervisor is gone: SIGTERM, then SIGKILL after `graceMs`.
 * @returns how many processes there were
 */
export async function stopOrphans(paths: StackPaths, graceMs: number, clock: Clock): Promise<number> {
  const recorded = recordedProcesses(readRunFile(paths));
  const orphans = findOrphans(paths.dataDir, recorded);
  for (const pid of orphans) signal(pid, 'SIGTERM');
  const deadline = clock.monotonic() + graceMs;
  for (;;) {
    const left = findOrphans(paths.dataDir, recorded);
    if (left.length === 0) return orphans.length;
    if (clock.monotonic() > deadline) for (const pid of left) signal(pid, 'SIGKILL');
    await clock.sleep(100);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended by itself in between, which is what we want.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
