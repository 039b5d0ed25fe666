import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** A lock of this process on a file; the kernel gives it up when the process dies, however it dies. */
export interface FileLock {
  release(): void;
}

/**
 * Takes the lock at once, or answers undefined when another process (or another holder here) has it.
 * SQLite's exclusive lock is used because it is the one file lock Node offers that survives no `kill -9`.
 */
export function tryLock(path: string): FileLock | undefined {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Error && /database is locked|busy/i.test(error.message)) return undefined;
    throw error;
  }
  return { release: () => db.close() };
}

/** Waits for the lock; `waiting` is called once when somebody else has it. */
export async function lock(path: string, clock: Clock, waiting: () => void): Promise<FileLock> {
  for (let attempt = 0; ; attempt++) {
    const held = tryLock(path);
    if (held) return held;
    if (attempt === 0) waiting();
    await clock.sleep(250);
  }
}
