import { createEventReader, type PlainEvent } from '@millrace/core/document/plain-events.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Outbox, OutboxBlock } from '../state/outbox.ts';
import type { Sender, SenderContext } from './sender.ts';

/** Writes the events of one block, in order; resolves when they are where they should be. `signal`: wait no more. */
export type WriteEvents = (events: Iterable<PlainEvent>, signal: AbortSignal) => Promise<void>;

/** Waits between tries, milliseconds. */
interface Retrying {
  retryBaseMs: number;
  retryMaxMs: number;
}

/** Writes blocks' events to a file or a pipe, one block after another; a block that fails is written again. */
export class FileSender implements Sender {
  readonly #id: string;
  readonly #backoff: { baseMs: number; maxMs: number };
  readonly #write: WriteEvents;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #telemetry: AgentTelemetry;
  readonly #onAcknowledged: () => void;
  readonly #readEvents = createEventReader();
  readonly #blocks: OutboxBlock[] = [];
  readonly #stopping = new AbortController();
  #failures = 0;
  #wake: (() => void) | undefined;

  constructor(id: string, retrying: Retrying, write: WriteEvents, context: SenderContext) {
    const { outbox, clock, telemetry, onAcknowledged } = context;
    this.#id = id;
    this.#backoff = { baseMs: retrying.retryBaseMs, maxMs: retrying.retryMaxMs };
    this.#write = write;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#onAcknowledged = onAcknowledged;
  }

  get unacknowledged(): number {
    return this.#blocks.length;
  }

  add(block: OutboxBlock): void {
    this.#blocks.push(block);
    this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const [block] = this.#blocks;
      if (block === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      await this.#deliver(block);
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  async #deliver({ seq }: OutboxBlock): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await this.#write(this.#readEvents(decodeBlock(this.#outbox.read(seq))), signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#telemetry.emit('write_failed', { output: this.#id, error: messageOf(error) });
      const wait = backoffMs(this.#backoff, this.#failures++, () => this.#clock.random());
      await this.#clock.sleep(wait, signal);
      return;
    }
    this.#failures = 0;
    this.#blocks.shift();
    this.#outbox.acknowledge([seq]);
    this.#onAcknowledged();
  }
}
