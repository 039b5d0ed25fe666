import type { GroupResult, IndexGroup } from './indexer.ts';

/** Accounts for the documents of one archive object. */
export class Group implements IndexGroup {
  readonly done: Promise<GroupResult | undefined>;
  readonly #resolve: (result: GroupResult | undefined) => void;
  readonly #exceptionsMax: number;
  readonly #onClosed: (group: Group, unanswered: number) => void;
  readonly #exceptions: GroupResult['exceptions'] = [];
  #events = 0;
  #answered = 0;
  #indexed = 0;
  #sealed = false;
  #closed = false;

  /** @param onClosed called once, when the group is done or abandoned; with the documents not answered for */
  constructor(exceptionsMax: number, onClosed: (group: Group, unanswered: number) => void) {
    const { promise, resolve } = Promise.withResolvers<GroupResult | undefined>();
    this.done = promise;
    this.#resolve = resolve;
    this.#exceptionsMax = exceptionsMax;
    this.#onClosed = onClosed;
  }

  /** True when nobody waits for answers any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Counts documents in. */
  expect(documents: number): void {
    if (this.#sealed) throw new TypeError('documents added to a sealed group');
    this.#events += documents;
  }

  /** Counts one document out: it is in the store. `reason`: in the fallback shape, because of it. */
  indexed(id: string, reason: string | undefined): void {
    this.#indexed++;
    if (reason !== undefined) this.#except(id, reason, 'fallback');
    this.#answer();
  }

  /** Counts one document out: the store cannot hold it. */
  missing(id: string, reason: string): void {
    this.#except(id, reason, 'missing');
    this.#answer();
  }

  seal(): void {
    this.#sealed = true;
    this.#settle();
  }

  abandon(): void {
    this.#close(undefined);
  }

  #except(id: string, reason: string, outcome: 'fallback' | 'missing'): void {
    if (this.#exceptions.length < this.#exceptionsMax) this.#exceptions.push({ id, reason, outcome });
  }

  #answer(): void {
    this.#answered++;
    if (this.#answered > this.#events) throw new TypeError('a document was answered for twice');
    this.#settle();
  }

  #settle(): void {
    if (!this.#sealed || this.#answered < this.#events) return;
    this.#close({ events: this.#events, indexed: this.#indexed, exceptions: this.#exceptions });
  }

  #close(result: GroupResult | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resolve(result);
    this.#onClosed(this, this.#events - this.#answered);
  }
}
