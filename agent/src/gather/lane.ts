import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { BlockHeader } from '@millrace/core/wire/block.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Shipper } from '../ship/shipper.ts';
import type { Outbox } from '../state/outbox.ts';
import { BlockBuilder, type BuiltBlock } from './builder.ts';

/**
 * One output's way from records to blocks. Two builders: one is filled while the other is compressed and committed.
 * When the outbox is full the second one waits too, and reading stops (files wait where they are).
 */
export class Lane {
  readonly shipper: Shipper;
  readonly #head: Pick<BlockHeader, 'host' | 'agent' | 'stream'>;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #telemetry: AgentTelemetry;
  #filling = new BlockBuilder();
  #spare: BlockBuilder | undefined = new BlockBuilder();
  #committing: Promise<void> = Promise.resolve();
  #commits = 0;
  #lastBlockAt = Number.NEGATIVE_INFINITY;
  #waitingForRoom: (() => void) | undefined;
  #abandoned = false;
  /** Records wait for a builder while both are busy. */
  #blocked = false;
  #onReady: () => void = () => {};

  constructor(
    shipper: Shipper,
    head: Pick<BlockHeader, 'host' | 'agent' | 'stream'>,
    outbox: Outbox,
    clock: Clock,
    telemetry: AgentTelemetry,
  ) {
    this.shipper = shipper;
    this.#head = head;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#telemetry = telemetry;
  }

  /** The builder to fill; undefined while both are busy. */
  get builder(): BlockBuilder | undefined {
    return this.#blocked ? undefined : this.#filling;
  }

  /** Called when a builder has become free. */
  onReady(listener: () => void): void {
    this.#onReady = listener;
  }

  /** Nothing read is without a committed block. */
  get idle(): boolean {
    return this.#filling.empty && this.#commits === 0;
  }

  get full(): boolean {
    return this.#waitingForRoom !== undefined;
  }

  /** Milliseconds until the gathered records are due; at once when nothing was sent during the last linger (D1). */
  dueInMs(): number {
    // While both builders are busy there is nothing to do about it; `onReady` says when there is.
    if (this.#filling.empty || this.#blocked) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#lastBlockAt + this.shipper.output.lingerMs - this.#clock.monotonic());
  }

  /**
   * Starts building a block of what is gathered; false when the builder before it is still busy. `more`: the block is
   * closed because it is full, another follows.
   */
  flush(more = false): boolean {
    if (this.#filling.empty) return true;
    if (this.#spare === undefined) {
      this.#blocked = true;
      return false;
    }
    const builder = this.#filling;
    this.#filling = this.#spare;
    this.#spare = undefined;
    this.#lastBlockAt = this.#clock.monotonic();
    this.#commits++;
    this.#committing = this.#committing
      .then(() => builder.build(this.#head))
      .then((built) => this.#commit(built, more))
      .finally(() => {
        this.#spare = builder;
        this.#blocked = false;
        this.#commits--;
        this.#onReady();
      });
    return true;
  }

  /** Resolves when every block that was begun is in the outbox. */
  settled(): Promise<void> {
    return this.#committing;
  }

  /** The stream has acknowledged something: there may be room. */
  roomMade(): void {
    this.#waitingForRoom?.();
  }

  /** Past the drain deadline: blocks that found no room are dropped; their positions were never committed. */
  abandon(): void {
    this.#abandoned = true;
    this.#waitingForRoom?.();
  }

  async #commit(built: BuiltBlock, more: boolean): Promise<void> {
    const output = this.shipper.output.id;
    for (let attempt = 0; !this.#abandoned; attempt++) {
      const block = this.#outbox.put(output, built.bytes, built.runs, built.positions);
      if (block) {
        if (attempt > 0) this.#telemetry.emit('outbox_room', { output });
        this.shipper.add(block, more);
        return;
      }
      if (attempt === 0) this.#telemetry.emit('outbox_full', { output, bytes: this.#outbox.pendingBytes });
      await new Promise<void>((resolve) => {
        this.#waitingForRoom = resolve;
      });
      this.#waitingForRoom = undefined;
    }
  }
}
