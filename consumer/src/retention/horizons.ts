import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';

/** How old what is known of the horizons may be while indexing. */
export const horizonAgeMsMax = 30_000;

const namePattern = /^millrace-([a-z0-9_]+)-(\d{4}\.\d\d(?:\.\d\d)?)$/;

/** Stream and date part of an index of events; undefined for any other name. */
export function indexParts(index: string): { stream: string; date: string } | undefined {
  const [, stream, date] = namePattern.exec(index) ?? [];
  return stream === undefined || date === undefined ? undefined : { stream, date };
}

/** Whether all events of a date part (`YYYY.MM.DD` or `YYYY.MM`) are older than the horizon (`YYYY.MM.DD`). */
export function isBefore(date: string, horizon: string): boolean {
  return date < horizon.slice(0, date.length);
}

/** The hot horizons (D7) as a process that indexes knows them: events of older indices are archived only. */
export class Horizons {
  readonly #store: Pick<Store, 'horizons'>;
  readonly #clock: Clock;
  #dates = new Map<string, string>();
  #readMs = Number.NEGATIVE_INFINITY;
  #cold = new Map<string, boolean>();

  constructor(store: Pick<Store, 'horizons'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Reads them when what is known is too old.
   * @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED: nothing may be indexed then
   */
  async refresh(signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#readMs < horizonAgeMsMax) return;
    this.#dates = await this.#store.horizons(signal);
    this.#readMs = nowMs;
    this.#cold = new Map();
  }

  /** First date of a stream that is indexed; undefined: all are. */
  dateOf(stream: string): string | undefined {
    return this.#dates.get(stream);
  }

  /** Whether events of this index are archived only, as of the last `refresh`. */
  isCold(index: string): boolean {
    if (this.#dates.size === 0) return false;
    let cold = this.#cold.get(index);
    if (cold === undefined) {
      const { stream = '', date = '' } = indexParts(index) ?? {};
      const horizon = this.#dates.get(stream);
      cold = horizon !== undefined && isBefore(date, horizon);
      if (this.#cold.size < 10_000) this.#cold.set(index, cold);
    }
    return cold;
  }
}
