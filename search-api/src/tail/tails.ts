import { MillraceError } from '@millrace/core/errors.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Plan } from '../plan.ts';
import type { TailConfig } from './config.ts';
import { Feed, type Follower } from './feed.ts';
import type { Handled } from './handled.ts';
import { decodeTailCursor, isTailCursor, type TailQuery } from './tail-cursor.ts';
import { Viewer } from './viewer.ts';

export interface TailsOptions {
  store: Store;
  clock: Clock;
  config: TailConfig;
}

/** What somebody wants to watch. */
export interface Watch {
  plan: Plan;
  from?: Handled | undefined;
  rate?: number | undefined;
}

/** All who watch, and one feed for each set of indices that somebody watches. */
export class Tails {
  readonly #options: TailsOptions;
  readonly #feeds = new Map<string, Feed>();
  readonly #closed = new AbortController();
  #viewers = 0;

  constructor(options: TailsOptions) {
    this.#options = options;
  }

  get viewers(): number {
    return this.#viewers;
  }

  /** Aborted when the server stops: every viewer ends. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Undefined when there are as many viewers as may be. Whoever opens one has to call `release` once. */
  open({ plan, from, rate }: Watch): Viewer | undefined {
    const { store, clock, config } = this.#options;
    if (this.#viewers >= config.viewers_max) return undefined;
    this.#viewers++;
    const { indices, query } = plan;
    return new Viewer({
      subject: { store, indices, query, windowMs: config.window_ms },
      clock,
      from,
      rate,
      ringEvents: config.ring_events,
      ringBytes: config.ring_bytes,
      resumeMax: config.resume_max,
      heartbeatMs: config.heartbeat_ms,
      follow: (viewer) => this.#follow(indices, viewer),
      leave: (viewer) => this.#leave(indices, viewer),
    });
  }

  release(): void {
    this.#viewers--;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#feeds.values()].map((feed) => feed.stop()));
  }

  /** @throws MillraceError QUERY_INVALID: neither a cursor of this query nor a time */
  begin(since: string | undefined, query: TailQuery): Handled | undefined {
    if (since === undefined) return undefined;
    if (isTailCursor(since)) return decodeTailCursor(since, query);
    const nowMs = this.#options.clock.now();
    const { firstNs } = sinceTime(since, nowMs);
    const floor = Math.max(0, Math.min(nowMs, Number(firstNs / 1_000_000n)) - 1);
    return { edge: floor + this.#options.config.window_ms, floor, before: 0, keys: [] };
  }

  #follow(indices: string[], viewer: Follower): Feed {
    const { store, clock, config } = this.#options;
    const name = indices.join();
    let feed = this.#feeds.get(name);
    if (feed === undefined) {
      feed = new Feed({ store, indices, clock, pollMs: config.poll_ms, windowMs: config.window_ms });
      this.#feeds.set(name, feed);
    }
    feed.join(viewer);
    return feed;
  }

  /** Nothing is polled for nobody. */
  #leave(indices: string[], viewer: Follower): void {
    const name = indices.join();
    const feed = this.#feeds.get(name);
    feed?.leave(viewer);
    if (feed === undefined || !feed.empty) return;
    this.#feeds.delete(name);
    void feed.stop();
  }
}

function sinceTime(text: string, nowMs: number) {
  try {
    return parseTime(text, nowMs);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError('QUERY_INVALID', `parameter since: ${error.message}`, {
      hint: 'pass the id of the last message, or a time such as now-5m',
    });
  }
}
