/** What is indexed becomes visible to a search that much later at most; seconds. */
const unseenS = 3;

/**
 * Where a tail goes on, for each connection anew: behind the last message that was read. Before there is one, with what
 * the search at its beginning could not see, however long that, and the connection, took.
 */
export class TailSince {
  readonly #startMs: number;
  #cursor = '';

  /** Monotonic time, as `text` has it. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** `lastEventId` of a message; empty before the first of a connection that has one. */
  read(lastEventId: string): void {
    if (lastEventId !== '') this.#cursor = lastEventId;
  }

  text(nowMs: number): string {
    if (this.#cursor !== '') return this.#cursor;
    return `now-${unseenS + Math.ceil((nowMs - this.#startMs) / 1000)}s`;
  }
}
