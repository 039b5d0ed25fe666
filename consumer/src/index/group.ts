import type { MarkException } from '@millrace/core/store/port.ts';
import type { GroupResult, IndexGroup } from './indexer.ts';

/** Accounts for the documents of one archive object. */
export class Group implements IndexGroup {
  /** Key of the archive object, where it is known. */
  readonly object: string | undefined;
  readonly done: Promise<GroupResult | undefined>;
  readonly #resolve: (result: GroupResult | undefined) => void;
  readonly #exceptionsMax: number;
  readonly #onClosed: (group: Group, unanswered: number) => void;
  readonly #exceptions: GroupResult['exceptions'] = [];
  #setAside = 0;
  #cold = 0;
  #events = 0;
  #answered = 0;
  #indexed = 0;
  #sealed = false;
  #closed = false;

  /** @param onClosed called once, when the group is done or abandoned; with the documents not answered for */
  constructor(exceptionsMax: number, onClosed: (group: Group, unanswered: number) => void, object?: string) {
    this.object = object;
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

  /** Counts documents in and out that are not to be indexed. */
  cold(documents: number): void {
    if (this.#sealed) throw new TypeError('documents added to a sealed group');
    this.#events += documents;
    this.#answered += documents;
    this.#cold += documents;
  }

  /** Counts one document out: it is in the store. `fallback`: in the fallback shape. */
  indexed(fallback?: Omit<MarkException, 'outcome'>): void {
    this.#indexed++;
    if (fallback !== undefined) this.#except({ ...fallback, outcome: 'fallback' });
    this.#answer();
  }

  /** Counts one document out: the store cannot hold it. */
  missing(exception: Omit<MarkException, 'outcome'>): void {
    this.#except({ ...exception, outcome: 'missing' });
    this.#answer();
  }

  seal(): void {
    this.#sealed = true;
    this.#settle();
  }

  abandon(): void {
    this.#close(undefined);
  }

  #except(exception: MarkException): void {
    this.#setAside++;
    if (this.#exceptions.length < this.#exceptionsMax) this.#exceptions.push(exception);
  }

  #answer(): void {
    this.#answered++;
    if (this.#answered > this.#events) throw new TypeError('a document was answered for twice');
    this.#settle();
  }

  #settle(): void {
    if (!this.#sealed || this.#answered < this.#events) return;
    const setAside = this.#setAside === 0 ? {} : { setAside: this.#setAside };
    this.#close({
      events: this.#events,
      indexed: this.#indexed,
      exceptions: this.#exceptions,
      ...setAside,
      ...(this.#cold === 0 ? {} : { cold: this.#cold }),
    });
  }

  #close(result: GroupResult | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resolve(result);
    this.#onClosed(this, this.#events - this.#answered);
  }
}
