/** Lets one at a time work, in the order in which they asked: what they hold meanwhile is held once. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  /** Resolves when it is the caller's turn; the function that is returned ends it. */
  async take(): Promise<() => void> {
    if (this.#taken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const next = this.#waiting.shift();
      // The turn goes over: nobody comes in between.
      if (next) next();
      else this.#taken = false;
    };
  }
}
