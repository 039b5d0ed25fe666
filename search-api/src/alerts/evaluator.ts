import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { Events } from '../events.ts';
import type { Alert } from './alert.ts';
import { AlertBook } from './book.ts';
import type { AlertsConfig } from './config.ts';
import { Lease } from './lease.ts';
import type { Sender } from './sender.ts';
import type { PageAddress } from './text.ts';
import { AlertTurn } from './turn.ts';

export interface EvaluatorOptions {
  store: Store;
  config: AlertsConfig;
  /** An evaluation that takes longer has failed. */
  requestTimeoutMs: number;
  /** Names this process, among all that share the store. */
  holder: string;
  page: PageAddress;
  send: Sender;
  clock: Clock;
  emit: Telemetry<Events>['emit'];
}

/** Evaluates all alerts that are due, again and again, while it holds the lease. */
export class Evaluator {
  readonly #options: EvaluatorOptions;
  readonly #book: AlertBook;
  readonly #lease: Lease;
  readonly #stop = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(options: EvaluatorOptions) {
    const { store, config, clock, holder } = options;
    this.#options = options;
    this.#book = new AlertBook(store, config, clock);
    this.#lease = new Lease(store.objects, 'alerts', holder, clock, config.lease_ms);
  }

  start(): void {
    this.#ended ??= this.#run();
  }

  /** Ends after what is being sent has been noted; gives the lease back. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    // The lease ends by itself when the store is not there.
    if (this.#ended !== undefined) await this.#lease.release().catch(() => {});
  }

  /** One look at all alerts. */
  async tick(): Promise<void> {
    const { emit } = this.#options;
    try {
      if (!(await this.#lease.hold(this.#stop.signal))) return;
      const waiting = (await this.#book.all(this.#stop.signal)).filter(({ enabled }) => enabled);
      const workers = Array.from({ length: this.#options.config.parallel }, async () => {
        for (let alert = waiting.shift(); alert !== undefined; alert = waiting.shift())
          await this.#turn(alert);
      });
      await Promise.all(workers);
    } catch (error) {
      if (!this.#stop.signal.aborted) emit('alerts_not_evaluated', { reason: messageOf(error) });
    }
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.tick();
      await this.#options.clock.sleep(this.#options.config.tick_ms, this.#stop.signal);
    }
  }

  /** One alert that cannot be evaluated keeps none of the others from it. */
  async #turn(alert: Alert): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      await new AlertTurn(this.#options, alert, this.#stop.signal).take();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.emit('alert_not_evaluated', {
        alert: alert.id,
        name: alert.name,
        reason: messageOf(error),
      });
    }
  }
}
