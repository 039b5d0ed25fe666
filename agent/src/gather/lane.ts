import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { BlockHeader } from '@millrace/core/wire/block.ts';
import type { Output } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Sender } from '../ship/sender.ts';
import type { Note } from '../state/database.ts';
import type { Outbox, OutboxBlock } from '../state/outbox.ts';
import { BlockBuilder, type BuiltBlock } from './builder.ts';

/** Longest time that a sender waits for others before its events are put on the disk and answered. */
const ackLingerMs = 50;

/** What is to be known of the block that is being filled. */
interface Watcher {
  /** Blocks in the outbox, one for each output; none where events are thrown away. */
  committed(blocks: OutboxBlock[]): void;
  abandoned(): void;
}

/** A batch that goes several ways: its notes are committed with the last of them, as it is to come again until then. */
export interface Ending {
  notes: Note[];
  /** Ways whose last part is not committed. */
  waysLeft: number;
}

/** So long without a refused block, and there is room again; milliseconds. */
const fullCalmMs = 5_000;

/** Beside the records of a block: what is committed with it, and how. */
interface Beside {
  /** Of the batches whose last part it holds, once a way. */
  endings: Ending[];
  /** To be on the disk before it counts as committed. */
  durable: boolean;
  watchers: Watcher[];
}

/**
 * The way from records to blocks of the outputs that get the same ones. Two builders: one is filled while the other is compressed and committed.
 * When the outbox is full the second one waits too, and reading stops (files wait where they are).
 */
export class Lane {
  readonly outputs: Output[];
  readonly #senders: ReadonlyMap<string, Sender>;
  readonly #lingerMs: number;
  readonly #head: Pick<BlockHeader, 'host' | 'agent' | 'stream'>;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #telemetry: AgentTelemetry;
  #filling = new BlockBuilder();
  #beside: Beside = { endings: [], durable: false, watchers: [] };
  #spare: BlockBuilder | undefined = new BlockBuilder();
  #committing: Promise<void> = Promise.resolve();
  #commits = 0;
  #lastBlockAt = Number.NEGATIVE_INFINITY;
  #waitingForRoom: (() => void) | undefined;
  /** Monotonic time when it last found no room; undefined when it is said that there is room again. */
  #fullAt: number | undefined;
  #abandoned = false;
  /** Records wait for a builder while both are busy. */
  #blocked = false;
  #onReady: () => void = () => {};

  constructor(
    outputs: Output[],
    senders: ReadonlyMap<string, Sender>,
    head: Pick<BlockHeader, 'host' | 'agent' | 'stream'>,
    outbox: Outbox,
    clock: Clock,
    telemetry: AgentTelemetry,
  ) {
    // `null` takes no blocks: what goes there alone is thrown away, its positions are kept.
    this.outputs = outputs.filter((output) => output.outboxBytes > 0);
    this.#senders = senders;
    this.#lingerMs = Math.min(...outputs.map((output) => output.lingerMs));
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
    const linger = this.#beside.durable ? Math.min(ackLingerMs, this.#lingerMs) : this.#lingerMs;
    return Math.max(0, this.#lastBlockAt + linger - this.#clock.monotonic());
  }

  /** What is committed with the block that is being filled; `watcher` hears of it. */
  attach(beside: { ending?: Ending | undefined; durable: boolean; watcher: Watcher }): void {
    if (beside.ending) this.#beside.endings.push(beside.ending);
    this.#beside.durable ||= beside.durable;
    this.#beside.watchers.push(beside.watcher);
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
    const beside = this.#beside;
    this.#beside = { endings: [], durable: false, watchers: [] };
    this.#filling = this.#spare;
    this.#spare = undefined;
    this.#lastBlockAt = this.#clock.monotonic();
    this.#commits++;
    this.#committing = this.#committing
      .then(() => (this.outputs.length > 0 ? builder.build(this.#head) : builder.discard()))
      .then((built) => this.#commit(built, beside, more))
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
    this.#sayRoom();
  }

  /** Past the drain deadline: blocks that found no room are dropped; their positions were never committed. */
  abandon(): void {
    this.#abandoned = true;
    this.#waitingForRoom?.();
  }

  /** A stream that is slower than the files makes room for one block at a time: that is one story, told once. */
  #sayRoom(): void {
    if (this.#fullAt === undefined || this.#waitingForRoom) return;
    if (this.#outbox.pendingBytes > 0 && this.#clock.monotonic() - this.#fullAt < fullCalmMs) return;
    this.#fullAt = undefined;
    this.#telemetry.emit('outbox_room', { output: this.outputs.map(({ id }) => id).join(', ') });
  }

  async #commit(built: BuiltBlock, beside: Beside, more: boolean): Promise<void> {
    const blocks = await this.#store(built, beside);
    for (const { committed, abandoned } of beside.watchers) blocks ? committed(blocks) : abandoned();
    for (const block of blocks ?? []) this.#senders.get(block.output)?.add(block, more);
  }

  /** Undefined when the lane was abandoned. */
  async #store(built: BuiltBlock, { endings, durable }: Beside): Promise<OutboxBlock[] | undefined> {
    const outputs = this.outputs.map(({ id }) => id);
    while (!this.#abandoned) {
      const blocks = this.#outbox.put(outputs, built, { notes: notesOf(endings), durable });
      if (blocks) {
        for (const ending of endings) ending.waysLeft--;
        this.#sayRoom();
        return blocks;
      }
      if (this.#fullAt === undefined)
        this.#telemetry.emit('outbox_full', { output: outputs.join(', '), bytes: this.#outbox.pendingBytes });
      this.#fullAt = this.#clock.monotonic();
      await new Promise<void>((resolve) => {
        this.#waitingForRoom = resolve;
      });
      this.#waitingForRoom = undefined;
    }
    return undefined;
  }
}

/** Of the batches that this block ends. */
function notesOf(endings: Ending[]): Note[] {
  const here = new Map<Ending, number>();
  for (const ending of endings) here.set(ending, (here.get(ending) ?? 0) + 1);
  return [...here].flatMap(([ending, ways]) => (ending.waysLeft === ways ? ending.notes : []));
}
