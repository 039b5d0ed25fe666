import type { Clock } from '@millrace/core/runtime/clock.ts';
import { timeText } from '../config/values.ts';
import type { Delivered } from './deliveries.ts';

/** What is looked at: counts that move while the agent works. */
export interface Moving {
  outputs(): Iterable<[string, Pick<Delivered, 'pendingBlocks' | 'blocks'>]>;
  /** Passes over the files. */
  turns: number;
  bytesRead: number;
  /** Bytes that are there to be read, and that nothing forbids to read. */
  readableBytes: number;
  /** Nothing is read because blocks wait for room. */
  full: boolean;
  /** Nothing is read because memory is over its limit. */
  memoryHeld: boolean;
}

/** Since when a count has stood still, monotonic milliseconds. */
interface Still {
  count: number;
  since: number;
}

/** Notices when nothing moves although there is something to do. */
export class Progress {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #look: () => Moving;
  readonly #still = new Map<string, Still>();

  constructor(clock: Clock, limitMs: number, look: () => Moving) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#look = look;
  }

  /** Looks now and then, so that `problem` knows since when nothing has moved. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.problem();
      await this.#clock.sleep(Math.min(10_000, this.#limitMs / 4), signal);
    }
  }

  /** What stands still for longer than it should; undefined when all is well. */
  problem(): string | undefined {
    const moving = this.#look();
    const problems: string[] = [];
    const check = (key: string, waits: boolean, count: number, what: string) => {
      const forMs = this.#stillFor(key, waits, count);
      if (forMs > this.#limitMs) problems.push(`${what} for ${timeText(Math.round(forMs / 1000) * 1000)}`);
    };
    for (const [output, { pendingBlocks, blocks }] of moving.outputs())
      check(
        `output ${output}`,
        pendingBlocks > 0,
        blocks,
        `output ${output}: ${pendingBlocks} blocks wait, and none was acknowledged`,
      );
    const { turns, bytesRead, readableBytes, full, memoryHeld } = moving;
    check('turns', true, turns, 'reading is stuck: no pass over the files has ended');
    check(
      'bytes',
      readableBytes > 0 && !full && !memoryHeld,
      bytesRead,
      `reading is stuck: ${readableBytes} bytes are there, and none was read`,
    );
    check('memory', memoryHeld, 0, 'memory_limit: nothing was read');
    return problems.length > 0 ? problems.join('; ') : undefined;
  }

  #stillFor(key: string, waits: boolean, count: number): number {
    const now = this.#clock.monotonic();
    const still = this.#still.get(key);
    if (!waits || still === undefined || still.count !== count) {
      // While nothing waits, the count is none that it could have.
      this.#still.set(key, { count: waits ? count : Number.NaN, since: now });
      return 0;
    }
    return now - still.since;
  }
}
