import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { SlotFile } from './slots.ts';

/** Between two steps (1 MiB). */
const promiseMs = 10;
const promiseAgainMs = 60_000;

/**
 * Has the disk promise the outbox's space, step by step, until it has or `signal` is aborted. Full, it is asked again
 * later: until then blocks are written as long as there is room. `slots`: undefined while there is no room to begin.
 */
export async function reserveSlots(
  slots: () => SlotFile | undefined,
  { clock, telemetry }: { clock: Clock; telemetry: AgentTelemetry },
  signal: AbortSignal,
): Promise<void> {
  let told = false;
  while (!signal.aborted && slots()?.unpromisedBytes !== 0) {
    try {
      slots()?.promise();
      await clock.sleep(slots() ? promiseMs : promiseAgainMs, signal);
    } catch (error) {
      const bytes = slots()?.unpromisedBytes ?? 0;
      if (!told) telemetry.emit('outbox_unreserved', { bytes, error: messageOf(error) });
      told = true;
      await clock.sleep(promiseAgainMs, signal);
    }
  }
}
