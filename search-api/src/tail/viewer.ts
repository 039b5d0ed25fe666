import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Arrival } from './arrival.ts';
import type { Feed, FeedStep, Follower } from './feed.ts';
import { type Handled, HandledWindow } from './handled.ts';
import { documentsOf, missedSince, type Present, presentSince, type Subject } from './missed.ts';
import { Pace } from './pace.ts';
import { Ring } from './ring.ts';

/** What a viewer is told; `at` is where it is behind this, absent while there is something that it was not told yet. */
export type TailMessage =
  | { type: 'hits'; arrivals: Arrival[]; at: Handled | undefined }
  | { type: 'skipped'; skip: Skip; at: Handled | undefined }
  | { type: 'state'; state: ViewerState; at: Handled | undefined }
  | { type: 'error'; error: unknown };

/**
 * Events that are not delivered, and why. slow: they were not read in time; rate: more than `rate` a second; behind:
 * more arrived than can be read; late: they came to be seen when the window was past them; away: more than are delivered at once arrived while the viewer was not there.
 */
export interface Skip {
  count: number;
  reason: 'slow' | 'rate' | 'behind' | 'late' | 'away';
  /** When the first and the last of them were stamped, as far as it is known; milliseconds since 1970. */
  fromMs?: number;
  toMs?: number;
}

export interface ViewerState {
  phase: 'joining' | 'live' | 'paused';
  store: 'ok' | 'down';
  /** How old the newest event was when it was seen; absent before the first. */
  lagMs?: number;
}

export interface ViewerOptions {
  subject: Subject;
  clock: Clock;
  /** Where an earlier tail ended; absent: what is new from now on. */
  from?: Handled | undefined;
  /** Events a second at most; absent: as many as are read. */
  rate?: number | undefined;
  ringEvents: number;
  ringBytes: number;
  resumeMax: number;
  heartbeatMs: number;
  /** The feed of the subject's indices; a viewer that is paused follows none. */
  follow(viewer: Follower): Feed;
  leave(viewer: Follower): void;
}

const batchEvents = 200;
const batchBytes = 256 * 1024;
const backoff: Backoff = { baseMs: 500, maxMs: 10_000 };

/** One who watches: gets each event once, or is told how many it did not get. Nothing waits for it. */
export class Viewer implements Follower {
  readonly query;
  readonly #options: ViewerOptions;
  readonly #ring: Ring;
  readonly #pace: Pace | undefined;
  readonly #handled: HandledWindow;
  /** Keys of what was there before the feed told of it, and when that was stamped. */
  readonly #known = new Map<string, number>();
  /** They are needed until the feed is so far. */
  #knownUntil = 0;
  readonly #skips: Skip[] = [];
  #feed: Feed | undefined;
  /** The feed's; undefined until there is something to go on from. */
  #edge: number | undefined;
  /** `handled` says where this is. */
  #begun = false;
  /** The edge when it went live. */
  #liveFromMs = 0;
  /** Where to go on from, when that has not begun yet. */
  #from: Handled | undefined;
  #phase: ViewerState['phase'] = 'joining';
  #wishPaused = false;
  #failure: unknown;
  #down = false;
  #lagMs: number | undefined;
  #toldMs = 0;
  #wake = new AbortController();

  constructor(options: ViewerOptions) {
    const { subject, from, rate, ringEvents, ringBytes, clock } = options;
    this.#options = options;
    this.query = subject.query;
    this.#pace = rate === undefined ? undefined : new Pace(rate, clock);
    // What waits for its turn under a rate must not grow old.
    this.#ring = new Ring(Math.min(ringEvents, rate ?? ringEvents), ringBytes);
    this.#handled = new HandledWindow(subject.windowMs);
    this.#from = from;
  }

  pause(paused: boolean): void {
    this.#wishPaused = paused;
    this.#wake.abort();
  }

  take(arrivals: readonly Arrival[], step: FeedStep): void {
    const { clock } = this.#options;
    for (const arrival of arrivals) {
      if (this.#known.has(arrival.key)) continue;
      for (const dropped of this.#ring.push(arrival, step.before)) this.#drop(dropped);
    }
    const newest = arrivals.at(-1);
    if (newest !== undefined) this.#lagMs = Math.max(0, clock.now() - newest.ms);
    this.#edge = step.edge;
    if (step.edge > this.#knownUntil) this.#known.clear();
    this.#advance();
    if (arrivals.length > 0 || this.#phase === 'joining') this.#wake.abort();
  }

  missed(count: number, fromMs: number, toMs: number): void {
    if (count > 0) this.#skip({ count, reason: 'behind', fromMs, toMs });
  }

  late(count: number, fromMs: number, toMs: number): void {
    // What was stamped before it was there it may have read from the store.
    if (this.#phase === 'live' && fromMs > this.#liveFromMs)
      this.#skip({ count, reason: 'late', fromMs, toMs });
  }

  failed(error: unknown): void {
    // Once for each outage.
    if (!this.#down) this.#failure = error;
    this.#down = true;
    this.#wake.abort();
  }

  recovered(): void {
    this.#down = false;
    this.#toldMs = 0;
    this.#wake.abort();
  }

  /** Until the signal; the next message is made when it is asked for. */
  async *messages(signal: AbortSignal): AsyncGenerator<TailMessage, void> {
    const { clock, heartbeatMs } = this.#options;
    const stop = () => this.#wake.abort();
    signal.addEventListener('abort', stop, { once: true });
    this.#toldMs = clock.monotonic();
    try {
      yield this.#state();
      while (!signal.aborted) {
        this.#wake = new AbortController();
        if (this.#wishPaused !== (this.#phase === 'paused')) {
          this.#turn();
          yield this.#state();
        }
        if (this.#phase === 'joining') yield* this.#join(signal);
        yield* this.#told();
        if (this.#phase === 'live') yield* this.#hits();
        if (clock.monotonic() - this.#toldMs >= heartbeatMs) {
          this.#toldMs = clock.monotonic();
          yield this.#state();
        }
        await this.#idle(signal);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#options.leave(this);
    }
  }

  /** Until there is something to do, or for as long as nobody need be told that all is well. */
  async #idle(signal: AbortSignal): Promise<void> {
    const { clock, heartbeatMs } = this.#options;
    if (signal.aborted || this.#wake.signal.aborted) return;
    const untilTold = this.#toldMs + heartbeatMs - clock.monotonic();
    const waiting = this.#phase === 'live' && !this.#ring.empty && this.#pace !== undefined;
    const ms = waiting ? Math.min(untilTold, this.#pace?.waitMs() ?? untilTold) : untilTold;
    await clock.sleep(Math.max(1, ms), this.#wake.signal);
  }

  /** Between paused and joining. What waits is read again when it goes on. */
  #turn(): void {
    if (this.#wishPaused) {
      this.#options.leave(this);
      this.#feed = undefined;
      this.#from ??= this.#begun ? this.#handled.state() : undefined;
      this.#ring.clear();
      this.#known.clear();
      this.#phase = 'paused';
    } else {
      this.#phase = 'joining';
    }
  }

  async *#told(): AsyncGenerator<TailMessage, void> {
    if (this.#failure !== undefined) {
      const error = this.#failure;
      this.#failure = undefined;
      yield { type: 'error', error };
    }
    for (let skip = this.#skips.shift(); skip !== undefined; skip = this.#skips.shift())
      yield { type: 'skipped', skip, at: this.#at() };
  }

  async *#hits(): AsyncGenerator<TailMessage, void> {
    while (!this.#ring.empty && !this.#wake.signal.aborted) {
      const arrivals = this.#batch();
      if (arrivals.length === 0) return;
      yield { type: 'hits', arrivals, at: this.#at() };
      yield* this.#told();
    }
  }

  #batch(): Arrival[] {
    const arrivals: Arrival[] = [];
    let bytes = 0;
    while (arrivals.length < batchEvents && bytes < batchBytes && !this.#ring.empty) {
      if (this.#pace !== undefined && !this.#pace.take()) break;
      const arrival = this.#ring.shift();
      if (arrival === undefined || this.#known.has(arrival.key)) continue;
      this.#handled.add(arrival.key, arrival.ms);
      arrivals.push(arrival);
      bytes += arrival.bytes;
    }
    this.#advance();
    return arrivals;
  }

  /** What waits in the ring may have been stamped a window before the feed's edge of then. */
  #advance(): void {
    const edge = this.#ring.edge ?? this.#edge;
    if (this.#phase === 'live' && edge !== undefined) this.#handled.moveTo(edge);
  }

  #drop({ key, ms }: Arrival): void {
    if (this.#known.has(key)) return;
    if (this.#phase === 'joining') this.#deliver(key, ms);
    else this.#handled.add(key, ms);
    this.#skip({ count: 1, reason: this.#pace?.empty ? 'rate' : 'slow', fromMs: ms, toMs: ms });
  }

  /** Skips for one reason are told together. */
  #skip(skip: Skip): void {
    const known = this.#skips.find(({ reason }) => reason === skip.reason);
    if (known === undefined) this.#skips.push(skip);
    else {
      known.count += skip.count;
      known.fromMs = Math.min(known.fromMs ?? Number.POSITIVE_INFINITY, skip.fromMs ?? known.fromMs ?? 0);
      known.toMs = Math.max(known.toMs ?? 0, skip.toMs ?? 0);
    }
  }

  #state(): TailMessage {
    const state: ViewerState = { phase: this.#phase, store: this.#down ? 'down' : 'ok' };
    if (this.#lagMs !== undefined) state.lagMs = this.#lagMs;
    return { type: 'state', state, at: this.#at() };
  }

  /** What was left out is handled, but who was not told of it must not go on behind it. */
  #at(): Handled | undefined {
    if (this.#skips.length > 0) return undefined;
    return this.#from ?? (this.#begun ? this.#handled.state() : undefined);
  }

  /** Follows the feed, then reads what was there before: what comes between is known from both. */
  async *#join(signal: AbortSignal): AsyncGenerator<TailMessage, void> {
    const { subject, follow } = this.#options;
    this.#feed ??= follow(this);
    const edge = this.#feed.edgeFor(this);
    // The feed wakes this when it begins, or when the store does not answer.
    if (edge === undefined) return;
    for (let attempt = 0; !signal.aborted && !this.#wishPaused; attempt++) {
      try {
        // Listed first: what comes to be seen between the two lists is missed, not known.
        const present = await presentSince(subject, edge, signal);
        for (const [key, ms] of present.named) this.#know(key, ms);
        const from = this.#from ?? (this.#begun ? this.#handled.state() : undefined);
        if (from !== undefined) yield* this.#resume(from, signal);
        if (this.#wishPaused || signal.aborted) return;
        this.#phase = 'live';
        this.#down = false;
        this.#settle(edge, present);
        this.#toldMs = this.#options.clock.monotonic();
        yield this.#state();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.failed(error);
        yield* this.#told();
        const { clock } = this.#options;
        await clock.sleep(backoffMs(backoff, attempt, clock.random), signal);
      }
    }
  }

  async *#resume(from: Handled, signal: AbortSignal): AsyncGenerator<TailMessage, void> {
    const { subject, resumeMax } = this.#options;
    const missed = await missedSince(subject, from, resumeMax, signal);
    this.#handled.restore(missed.handled);
    for (const [key, ms] of missed.named) this.#deliver(key, ms);
    this.#begun = true;
    this.#from = undefined;
    if (missed.skipped > 0) this.#skip({ count: missed.skipped, reason: 'away', fromMs: from.edge });
    yield* this.#told();
    for await (const arrivals of documentsOf(subject, missed, signal)) {
      for (let at = 0; at < arrivals.length; at += batchEvents) {
        // Also while it is told: it goes on from here.
        if (this.#wishPaused || signal.aborted) return;
        const batch = arrivals.slice(at, at + batchEvents);
        for (const { key, ms } of batch) this.#deliver(key, ms);
        yield { type: 'hits', arrivals: batch, at: this.#at() };
      }
    }
  }

  /** All that was there is handled; what of it lies within the feed's window has to be told apart from what comes. */
  #settle(feedEdge: number, present: Present): void {
    const edge = Math.max(feedEdge, this.#begun ? this.#handled.edge : 0);
    const floor = Math.max(edge - this.#options.subject.windowMs, present.floor);
    this.#handled.restore({ edge, floor, before: present.before });
    for (const [key, ms] of this.#known) if (ms > floor) this.#handled.add(key, ms);
    this.#begun = true;
    this.#liveFromMs = edge;
    this.#advance();
  }

  /** The feed may tell of it too. */
  #know(key: string, ms: number): void {
    this.#known.set(key, ms);
    this.#knownUntil = Math.max(this.#knownUntil, ms + this.#options.subject.windowMs);
  }

  #deliver(key: string, ms: number): void {
    this.#know(key, ms);
    this.#handled.add(key, ms);
  }
}
