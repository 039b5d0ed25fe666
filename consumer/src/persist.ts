import { messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

const patience: Backoff = { baseMs: 250, maxMs: 5_000 };

/** Tries until it works or the signal ends it; undefined then. */
export async function persist<T>(
  clock: Clock,
  signal: AbortSignal,
  report: (error: string) => void,
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return undefined;
      report(messageOf(error));
    }
    await clock.sleep(backoffMs(patience, attempt, clock.random), signal);
  }
  return undefined;
}
