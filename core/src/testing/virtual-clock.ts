import type { Clock } from '../runtime/clock.ts';

export interface VirtualClock extends Clock {
  /** Moves time forward, waking sleepers in order and letting what they start run. */
  advance(ms: number): Promise<void>;
}

/** A clock that moves only when told, with chance from a seed. */
export function virtualClock(startMs = Date.UTC(2026, 1, 3, 4, 5, 6), seed = 1): VirtualClock {
  let nowMs = startMs;
  let state = seed;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return {
    now: () => nowMs,
    monotonic: () => nowMs - startMs,
    random,
    bytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
    sleep(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper = { at: nowMs + ms, wake: resolve };
      if (signal?.aborted) resolve();
      else sleepers.add(sleeper);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      return promise.finally(() => sleepers.delete(sleeper));
    },
    async advance(ms) {
      const until = nowMs + ms;
      for (;;) {
        await settle();
        const next = [...sleepers].sort((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > until) break;
        nowMs = Math.max(nowMs, next.at);
        sleepers.delete(next);
        next.wake();
      }
      nowMs = until;
      await settle();
    },
  };
}

/** Lets everything run that waits for no time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
