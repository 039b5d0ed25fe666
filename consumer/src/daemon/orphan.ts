import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { commandLine } from './command-line.ts';

const pidFile = (folder: string) => join(folder, 'daemon.pid');

export function recordPid(folder: string, pid: number): void {
  writeFileSync(pidFile(folder), `${pid}\n`);
}

export function clearPid(folder: string): void {
  rmSync(pidFile(folder), { force: true });
}

/**
 * Stops a JVM that outlived its main process (kill -9): two of them would share one worker id. Returns its pid.
 * Its shards' processes exit by themselves when their input ends.
 */
export async function stopOrphan(
  folder: string,
  propertiesFile: string,
  clock: Clock,
): Promise<number | undefined> {
  const pid = recordedPid(folder);
  if (pid === undefined || !isOurs(pid, propertiesFile)) return undefined;
  // No SIGTERM: a graceful end takes ten seconds, and nothing is lost without, the checkpoint says where to go on.
  process.kill(pid, 'SIGKILL');
  for (let i = 0; i < 100 && isOurs(pid, propertiesFile); i++) await clock.sleep(50);
  clearPid(folder);
  return pid;
}

function recordedPid(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(folder), 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined; // no file: the last run ended well, or there was none
  }
}

/** Pids are used again: only a process that was started with our properties file is meant. */
function isOurs(pid: number, propertiesFile: string): boolean {
  return commandLine(pid).includes(propertiesFile);
}
