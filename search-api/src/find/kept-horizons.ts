import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';

/** Hot horizons (`Store.horizons`), some seconds old at most. @throws MillraceError STORE_UNAVAILABLE */
export type Horizons = () => Promise<ReadonlyMap<string, string>>;

/** A horizon moves once a day; asked for with each search it would cost each of them a round trip. */
const freshMs = 5_000;

/** Those who ask at the same time share an answer; what failed is asked again. */
export function keptHorizons(store: Pick<Store, 'horizons'>, clock: Clock): Horizons {
  let kept: { asked: ReturnType<Store['horizons']>; untilMs: number } | undefined;
  return () => {
    const nowMs = clock.monotonic();
    if (kept === undefined || nowMs >= kept.untilMs) {
      const asking = { asked: store.horizons(), untilMs: nowMs + freshMs };
      kept = asking;
      asking.asked.catch(() => {
        if (kept === asking) kept = undefined;
      });
    }
    return kept.asked;
  };
}
