import type { OutboxBlock } from '../state/outbox.ts';
import type { Sender, SenderContext } from './sender.ts';

/** When blocks are given to the second output; at least one limit is there. */
export interface SecondaryLimits {
  /** The first has delivered nothing for this long, though it tried. */
  timeoutMs: number | undefined;
  /** It has failed this often in a row. */
  tries: number | undefined;
}

type CreateSender = (context: SenderContext) => Sender;

const lookMs = 500;

/**
 * Delivers by a first sender. What that could not deliver within the limits goes to a second one, is acknowledged
 * there and counted; newer blocks are for the first again.
 */
export class SecondarySender implements Sender {
  readonly #id: string;
  readonly #limits: SecondaryLimits;
  readonly #context: SenderContext;
  readonly #createFirst: CreateSender;
  #first: Sender;
  readonly #second: Sender;
  /** Given to the second one. */
  readonly #given = new Set<number>();
  /** Wall clock since when the first has only failed, and how often its predecessors did. */
  #failingSince: number | undefined;
  #failuresBefore = 0;
  readonly #stopping = new AbortController();

  constructor(
    id: string,
    limits: SecondaryLimits,
    createFirst: CreateSender,
    createSecond: CreateSender,
    context: SenderContext,
  ) {
    this.#id = id;
    this.#limits = limits;
    this.#createFirst = createFirst;
    this.#context = context;
    this.#first = this.#create();
    this.#second = createSecond(context);
  }

  get unacknowledged(): number {
    return this.#first.unacknowledged + this.#second.unacknowledged;
  }

  get rate(): number | undefined {
    return this.#first.rate;
  }

  add(block: OutboxBlock, more?: boolean): void {
    this.#first.add(block, more);
  }

  async run(): Promise<void> {
    const second = this.#second.run();
    const { clock } = this.#context;
    let first = this.#first.run();
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal);
      const builtUntil = this.#givenUp();
      if (builtUntil === undefined || signal.aborted) continue;
      this.#first.stop();
      // With the calls in flight: what they deliver is not for the second one.
      await first;
      if (signal.aborted) break;
      first = this.#exchange(builtUntil);
    }
    await Promise.all([first, second]);
  }

  stop(): void {
    this.#stopping.abort();
    this.#first.stop();
    this.#second.stop();
  }

  #create(): Sender {
    return this.#createFirst({
      ...this.#context,
      onAcknowledged: () => {
        this.#failingSince = undefined;
        this.#failuresBefore = 0;
        this.#context.onAcknowledged();
      },
    });
  }

  /** When blocks were built, at the latest, that the first one has tried for long enough. */
  #givenUp(): number | undefined {
    const { timeoutMs, tries } = this.#limits;
    const failures = this.#failuresBefore + (this.#first.failures ?? 0);
    if (failures === 0) return undefined;
    const now = this.#context.clock.now();
    this.#failingSince ??= now;
    if (tries !== undefined && failures >= tries) return this.#failingSince;
    if (timeoutMs === undefined || now - this.#failingSince < timeoutMs) return undefined;
    const until = now - timeoutMs;
    return this.#waiting().some(({ builtMs }) => builtMs <= until) ? until : undefined;
  }

  #waiting(): OutboxBlock[] {
    return this.#context.outbox.blocksOf(this.#id).filter(({ seq }) => !this.#given.has(seq));
  }

  /** A new first sender with the blocks that are younger; it runs. */
  #exchange(builtUntil: number): Promise<void> {
    const { outbox, telemetry } = this.#context;
    for (const seq of this.#given) if (!outbox.has(seq)) this.#given.delete(seq);
    const waiting = this.#waiting();
    const old = waiting.filter(({ builtMs }) => builtMs <= builtUntil);
    // Tries are counted anew for those that come after; the time goes on until something is delivered.
    this.#failuresBefore = this.#limits.timeoutMs === undefined ? 0 : 1;
    if (this.#limits.timeoutMs === undefined) this.#failingSince = undefined;
    this.#first = this.#create();
    for (const block of waiting) if (!old.includes(block)) this.#first.add(block);
    for (const block of old) {
      this.#given.add(block.seq);
      this.#second.add(block);
    }
    if (old.length > 0) {
      const bytes = old.reduce((sum, { size }) => sum + size, 0);
      telemetry.emit('blocks_to_secondary', { output: this.#id, blocks: old.length, bytes });
    }
    return this.#first.run();
  }
}
