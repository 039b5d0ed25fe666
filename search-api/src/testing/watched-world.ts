import assert from 'node:assert/strict';
import { type VirtualClock, virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { Value } from 'typebox/value';
import { type Access, unlimitedAccess } from '../access/access.ts';
import { plan } from '../plan.ts';
import { type TailConfig, TailConfigSchema } from '../tail/config.ts';
import type { Handled } from '../tail/handled.ts';
import { decodeTailCursor, encodeTailCursor } from '../tail/tail-cursor.ts';
import { Tails } from '../tail/tails.ts';
import type { TailMessage, Viewer } from '../tail/viewer.ts';
import { type ArrivingStore, arrivingStore } from './arriving-store.ts';

/** A live tail on a store of its own; time goes on when told. */
export interface WatchedWorld {
  clock: VirtualClock;
  store: ArrivingStore;
  tails: Tails;
  config: TailConfig;
}

export function watchedWorld(config: Partial<TailConfig> = {}, seed = 1): WatchedWorld {
  const clock = virtualClock(undefined, seed);
  const store = arrivingStore(clock.now);
  const whole = { ...(Value.Default(TailConfigSchema, {}) as TailConfig), ...config };
  return { clock, store, config: whole, tails: new Tails({ store, clock, config: whole }) };
}

interface Watching {
  q?: string;
  from?: Handled | undefined;
  rate?: number;
  access?: Access;
}

/** A client: reads all the time unless told to wait, and remembers what it was told. */
export class Client {
  readonly seen: string[] = [];
  readonly messages: TailMessage[] = [];
  readonly viewer: Viewer;
  readonly #world: WatchedWorld;
  readonly #q: string;
  readonly #access: Access;
  readonly #left = new AbortController();
  #gate: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;
  /** As a client would pass it. */
  cursor: string | undefined;
  skipped = 0;

  constructor(world: WatchedWorld, { q = '', from, rate, access = unlimitedAccess('test') }: Watching = {}) {
    this.#world = world;
    this.#q = q;
    this.#access = access;
    const planned = plan({ q, from: '*', to: '*' }, world.clock.now(), access);
    const viewer = world.tails.open({ plan: planned, from, rate });
    assert.ok(viewer);
    this.viewer = viewer;
    void this.#read();
  }

  stall(): void {
    if (this.#open === undefined)
      ({ promise: this.#gate, resolve: this.#open } = Promise.withResolvers<void>());
  }

  go(): void {
    this.#open?.();
    this.#open = undefined;
  }

  leave(): void {
    this.#left.abort();
    this.go();
    this.#world.tails.release();
  }

  /** What its last cursor says. */
  place(): Handled | undefined {
    return this.cursor === undefined ? undefined : decodeTailCursor(this.cursor, { q: this.#q });
  }

  /** The same client on a new connection. */
  again(): Client {
    const next = new Client(this.#world, { q: this.#q, from: this.place(), access: this.#access });
    next.seen.push(...this.seen);
    next.skipped = this.skipped;
    next.cursor = this.cursor;
    return next;
  }

  async #read(): Promise<void> {
    for await (const message of this.viewer.messages(this.#left.signal)) {
      await this.#gate;
      // What was on its way when the connection broke was not read.
      if (this.#left.signal.aborted) return;
      this.messages.push(message);
      if (message.type === 'hits') this.seen.push(...message.arrivals.map(({ hit }) => hit.id));
      if (message.type === 'skipped') this.skipped += message.skip.count;
      if (message.type !== 'error' && message.at !== undefined)
        this.cursor = encodeTailCursor(message.at, { q: this.#q });
    }
  }
}

let made = 0;

export function write(
  { clock, store }: WatchedWorld,
  { delayMs = 500, stampMs = 0, tag = 'app', message = 'line' } = {},
): string {
  const id = `event-${String(made++).padStart(8, '0')}`;
  const nowMs = clock.now();
  store.add({ id, tag, message, ingestedMs: nowMs + stampMs, visibleMs: nowMs + delayMs });
  return id;
}
