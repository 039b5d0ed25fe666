import type { Clock } from '@millrace/core/runtime/clock.ts';

/** A lock that one process of a fleet holds at a time. */
export interface Lock {
  /** Takes the lock or keeps it; true while this process has it. */
  hold(): Promise<boolean>;
  /** Gives it back, if this process has it, so that another need not wait. */
  release(): Promise<void>;
}

/** One item with conditional writes, as DynamoDB has them. */
export interface LockItem {
  read(): Promise<LockState | undefined>;
  /** Writes `next` if the item is still `was` (undefined: absent); false when it is not. */
  replace(was: LockState | undefined, next: LockState): Promise<boolean>;
  /** Deletes the item if it is still of this holder. */
  remove(holder: string): Promise<void>;
}

export interface LockState {
  holder: string;
  counter: number;
}

/**
 * A lock like a KCL lease: its holder moves a counter, others watch the counter with their own monotonic clocks, so
 * that no two clocks are compared. One that stood still for `expiryMs`, as seen from here, may be taken over.
 */
export function createLock(item: LockItem, holder: string, expiryMs: number, clock: Clock): Lock {
  let seen: { state: LockState; atMs: number } | undefined;
  let held = false;

  function expired(state: LockState): boolean {
    const nowMs = clock.monotonic();
    if (seen?.state.holder !== state.holder || seen.state.counter !== state.counter) {
      seen = { state, atMs: nowMs };
    }
    return nowMs - seen.atMs >= expiryMs;
  }

  return {
    async hold() {
      const was = await item.read();
      const free = was === undefined || was.holder === holder || expired(was);
      held = free && (await item.replace(was, { holder, counter: (was?.counter ?? 0) + 1 }));
      return held;
    },
    async release() {
      if (!held) return;
      held = false;
      await item.remove(holder);
    },
  };
}
