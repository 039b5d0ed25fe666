import { isMillraceError } from '@millrace/core/errors.ts';
import type { Batch, Intake } from './input.ts';

/**
 * The events of one sender on their way into the intake: in order, with a bound on the bytes that are not stored yet.
 * Who awaits `take` before reading on makes the sender wait while the outbox is full.
 */
export class Flow {
  readonly #intake: Intake;
  readonly #bytesMax: number;
  readonly #open = new Set<Promise<void>>();
  #bytes = 0;
  #failure: unknown;
  #moved: () => void = () => {};

  constructor(intake: Intake, bytesMax: number) {
    this.#intake = intake;
    this.#bytesMax = bytesMax;
  }

  /**
   * Resolves when the batch is taken and the sender may go on; `stored` hears whether it is where `ack` says, once.
   * @throws MillraceError OUTBOX_FULL when the agent stops first; whatever an earlier batch met
   */
  async take(batch: Batch, stored?: (stored: boolean) => void): Promise<void> {
    await this.offer(batch, stored);
    await this.ready();
  }

  /** Resolves when the batch is taken. Throws as `take`. */
  async offer(batch: Batch, stored: (stored: boolean) => void = () => {}): Promise<void> {
    let pushed: Promise<void> | undefined;
    while (pushed === undefined)
      try {
        pushed = this.#intake.push(batch);
      } catch (error) {
        if (isMillraceError(error, 'OUTBOX_FULL') && (await this.#intake.room())) continue;
        stored(false);
        throw error;
      }
    this.#follow(pushed, batch.bytes.length, stored);
  }

  /** Resolves when the sender may go on. Throws as `take`. */
  async ready(): Promise<void> {
    while (this.#bytes > this.#bytesMax && this.#failure === undefined)
      await new Promise<void>((resolve) => {
        this.#moved = resolve;
      });
    if (this.#failure !== undefined) throw this.#failure;
  }

  #follow(pushed: Promise<void>, size: number, stored: (stored: boolean) => void): void {
    this.#bytes += size;
    const work: Promise<void> = pushed
      .then(
        () => stored(true),
        (error: unknown) => {
          this.#failure ??= error;
          stored(false);
        },
      )
      .finally(() => {
        this.#bytes -= size;
        this.#open.delete(work);
        this.#moved();
      });
    this.#open.add(work);
  }

  /** Resolves when nothing taken is open, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }
}
