import type { ObjectStore } from '@millrace/archive/object-store.ts';
import {
  archiveHourPrefix,
  archiveStreamPrefix,
  hourMs,
  parseArchiveKey,
} from '@millrace/core/archive/key.ts';
import { dateStartMs } from '@millrace/core/document/index-name.ts';
import { isMillraceError, type MillraceError, messageOf } from '@millrace/core/errors.ts';
import { isStreamName } from '@millrace/core/ids/stream-name.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ConsumerTelemetry } from '../events.ts';
import { whileHeld } from '../lock/fleet-lock.ts';
import type { Lock } from '../lock/lock.ts';
import type { Horizons } from '../retention/horizons.ts';
import { reads } from '../set-aside/mark.ts';

export interface FillerOptions {
  config: ConsumerConfig['filler'];
  /** Archive prefix. */
  prefix: string;
  /** Objects that arrived longer ago are not searchable and not filled; undefined: all are. */
  hotDays: number | undefined;
  objects: ObjectStore;
  store: Pick<Store, 'marked' | 'marksSetAside'>;
  /** First hot dates: objects that hold nothing newer are left alone. */
  horizons: Pick<Horizons, 'refresh' | 'dateOf'>;
  lock: Lock;
  clock: Clock;
  telemetry: ConsumerTelemetry;
  /** Indexes one object and writes its mark. */
  fill(key: string, bytes: number, signal: AbortSignal): Promise<void>;
  /** Does it again for an object that has a mark with exceptions: what is there is replaced, the mark too. */
  refill(key: string, signal: AbortSignal): Promise<void>;
}

/** Most passes look at these last hours; what arrived earlier but was completed late is met by a full pass. */
const recentMs = 3 * hourMs;
const fullPassMs = 30 * 60_000;
/** A full pass of a huge archive is rarer: it takes this share of the time at most. */
const fullPassShare = 0.05;
/** Events may be this much newer than the object that holds them: capture + 1 day is still indexed by day. */
const aheadMs = 2 * 86_400_000;
/** Keys in one question for marks; the store port takes at most 1,000. */
const batchMax = 1_000;
/** Marks read at a time: one names up to 1,000 exceptions, megabytes. */
const marksMax = 20;
/** Objects that are tried again between two passes. */
const retriesMax = 20;
const failureWait: Backoff = { baseMs: 200, maxMs: 5_000 };

/**
 * The one loop that makes search whole (D5): indexes every archive object inside the hot horizon that has no mark.
 * Outage of the store, crash before a mark, spill, replay into a new store: all are objects without a mark.
 */
export class Filler {
  readonly #options: FillerOptions;
  /** Keys that need no look: marked, or without a readable footer. Oldest first. */
  readonly #known = new Set<string>();
  #nextFullMs = Number.NEGATIVE_INFINITY;
  #retried = false;
  /** Object of the last mark that `retry` was through with, and whether any before it failed for now. */
  #retriedTo: string | undefined;
  #retryFailed = false;
  #unmarked = 0;
  /** Objects in a row that could not be filled for now. */
  #failures = 0;

  constructor(options: FillerOptions) {
    this.#options = options;
    options.telemetry.gauge(
      'filler_unmarked_objects',
      'Objects without a mark at the last pass.',
      () => this.#unmarked,
    );
  }

  /** Objects that the last pass found, and left, without a mark. */
  get unmarked(): number {
    return this.#unmarked;
  }

  /** Runs until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { lock, clock, config, telemetry } = this.#options;
    while (!signal.aborted) {
      try {
        await whileHeld(lock, clock, signal, (held) => this.#turn(held));
      } catch (error) {
        if (!signal.aborted) telemetry.emit('filler_failed', { error: messageOf(error) });
      }
      await clock.sleep(config.interval_ms, signal);
    }
    await lock
      .release()
      .catch((error: unknown) => telemetry.emit('filler_failed', { error: messageOf(error) }));
  }

  /** One look at the archive. `all`: the whole horizon, else the last hours. Returns objects filled. */
  async pass(signal: AbortSignal, all: boolean): Promise<number> {
    const { objects, prefix, horizons } = this.#options;
    await horizons.refresh(signal);
    let filled = 0;
    this.#unmarked = 0;
    for (const stream of await this.#streams(signal)) {
      // Keys begin with the arrival hour, so the start of the horizon is a place in the key order.
      const sinceMs = this.#sinceMs(stream, all);
      let after = sinceMs === undefined ? undefined : archiveHourPrefix(prefix, stream, sinceMs);
      for (let more = true; more && !signal.aborted; ) {
        const page = await objects.list(archiveStreamPrefix(prefix, stream), after, signal);
        filled += await this.#fillPage(page.objects, signal);
        after = page.objects.at(-1)?.key;
        more = page.more;
      }
    }
    return filled;
  }

  /**
   * Tries again, once per process, what another version of this program could not make documents of: a rule or a block
   * that is newer than it was. Some objects at a time, the next call goes on: new ones do not wait for all of them.
   */
  async retry(signal: AbortSignal): Promise<void> {
    const { store, refill, telemetry } = this.#options;
    for (let tried = 0; ; ) {
      const after = this.#retriedTo;
      const marks = await store.marksSetAside(
        { size: marksMax, ...(after === undefined ? {} : { after }) },
        signal,
      );
      for (const mark of marks) {
        if (signal.aborted) return;
        if (mark.reads !== reads && mark.exceptions.some(({ kind }) => kind !== undefined)) {
          if (++tried > retriesMax) return;
          try {
            await refill(mark.object, signal);
          } catch (error) {
            if (signal.aborted) throw error;
            this.#retryFailed ||= !isOfTheObject(error);
            telemetry.emit('object_unfilled', { object: mark.object, error: messageOf(error) });
          }
        }
        this.#retriedTo = mark.object;
      }
      if (marks.length < marksMax) break;
    }
    this.#retried = !this.#retryFailed;
    this.#retriedTo = undefined;
    this.#retryFailed = false;
  }

  /** Arrival from which objects are looked at; undefined: all. */
  #sinceMs(stream: string, all: boolean): number | undefined {
    const { clock, hotDays, horizons } = this.#options;
    const date = horizons.dateOf(stream);
    const bounds = [
      ...(all ? [] : [clock.now() - recentMs]),
      ...(hotDays === undefined ? [] : [clock.now() - hotDays * 86_400_000]),
      ...(date === undefined ? [] : [dateStartMs(date) - aheadMs]),
    ];
    return bounds.length === 0 ? undefined : Math.max(0, ...bounds);
  }

  /** A pass, and what belongs to it. */
  async #turn(held: AbortSignal): Promise<void> {
    const { clock, telemetry } = this.#options;
    const startMs = clock.monotonic();
    const all = startMs >= this.#nextFullMs;
    const filled = await this.pass(held, all);
    if (all && !held.aborted) {
      const tookMs = clock.monotonic() - startMs;
      this.#nextFullMs = startMs + Math.max(fullPassMs, tookMs / fullPassShare);
    }
    telemetry.emit('filler_pass', { filled, unmarked: this.#unmarked, all });
    if (!this.#retried) await this.retry(held);
  }

  async #streams(signal: AbortSignal): Promise<string[]> {
    const root = `${this.#options.prefix}archive/`;
    const folders = await this.#options.objects.folders(root, signal);
    return folders.map((folder) => folder.slice(root.length, -1)).filter(isStreamName);
  }

  async #fillPage(
    page: { key: string; bytes: number; modifiedMs: number }[],
    signal: AbortSignal,
  ): Promise<number> {
    const { clock, config, prefix, store } = this.#options;
    const oldMs = clock.now() - config.min_age_ms;
    const asked = page.filter(
      ({ key, modifiedMs }) =>
        modifiedMs <= oldMs && !this.#known.has(key) && parseArchiveKey(key, prefix) !== undefined,
    );
    if (asked.length === 0) return 0;
    const marked = await store.marked(
      asked.slice(0, batchMax).map(({ key }) => key),
      signal,
    );
    for (const key of marked) this.#remember(key);
    let filled = 0;
    for (const { key, bytes } of asked) {
      if (signal.aborted) break;
      if (marked.has(key)) continue;
      this.#unmarked++;
      if (await this.#fillOne(key, bytes, signal)) filled++;
    }
    return filled;
  }

  async #fillOne(key: string, bytes: number, signal: AbortSignal): Promise<boolean> {
    const { telemetry, clock, fill } = this.#options;
    try {
      await fill(key, bytes, signal);
      this.#failures = 0;
      this.#remember(key);
      this.#unmarked--;
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isOfTheObject(error)) {
        telemetry.emit('object_corrupt', { object: key, error: error.message });
        this.#remember(key);
        return false;
      }
      // Of this object alone, perhaps for ever (not readable any more, its day's index closed): others go on. A store
      // or an S3 that is down fails the next question for marks or keys, and with it the pass.
      telemetry.emit('object_unfilled', { object: key, error: messageOf(error) });
      await clock.sleep(backoffMs(failureWait, this.#failures++, clock.random), signal);
      return false;
    }
  }

  #remember(key: string): void {
    this.#known.add(key);
    if (this.#known.size <= this.#options.config.remember_max) return;
    const [oldest] = this.#known;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Trying again does not help. */
function isOfTheObject(error: unknown): error is MillraceError {
  return isMillraceError(error, 'ARCHIVE_CORRUPT') || isMillraceError(error, 'WIRE_UNSUPPORTED');
}
