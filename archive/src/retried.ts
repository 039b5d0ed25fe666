import { isMillraceError } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectStore } from './object-store.ts';

const patience = { baseMs: 100, maxMs: 5_000 };

/** Runs a call that reads again while S3 is unavailable, `attemptsMax` times in all. */
export async function retried<T>(
  clock: Clock,
  call: () => Promise<T>,
  signal?: AbortSignal,
  attemptsMax = 5,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const last = signal?.aborted === true || attempt + 1 >= attemptsMax;
      if (last || !isMillraceError(error, 'ARCHIVE_UNAVAILABLE')) throw error;
    }
    await clock.sleep(backoffMs(patience, attempt, clock.random), signal);
  }
}

/** The same store with a read that is asked again when it fails. */
export function retryingReads(store: ObjectStore, clock: Clock): ObjectStore {
  return {
    ...store,
    read: (key, from, to, signal, into) =>
      retried(clock, () => store.read(key, from, to, signal, into), signal),
  };
}
