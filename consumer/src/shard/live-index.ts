import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { ArchiveObject } from '../archive/writer.ts';
import type { ShardTelemetry } from '../events.ts';
import type { Indexer, IndexGroup } from '../index/indexer.ts';
import { finishedMark, noteExceptions } from '../set-aside/mark.ts';
import type { SetAsideStorm } from '../set-aside/storm.ts';

export interface LiveIndexOptions {
  store: Store;
  indexer: Indexer;
  clock: Clock;
  emit: ShardTelemetry['emit'];
  storm: SetAsideStorm;
  /** The store takes nothing for so long: objects are given up. */
  giveUpMs: number;
  /** Indexing goes on: objects that nothing was indexed of should be closed now, so that new ones begin. */
  onResumed(): void;
}

const storeRetry: Backoff = { baseMs: 500, maxMs: 10_000 };
const markTries = 6;

/** Some documents of a block. */
export interface BlockDocuments {
  /** Its id. */
  block: string;
  documents: RenderedDocument[];
}

/** What is under way for one object. */
interface Entry {
  group: IndexGroup;
  /** The hand-over that goes on; the group is not sealed before it ends. */
  adding: Promise<unknown> | undefined;
}

/**
 * Live indexing of one shard: what is archived is handed to the indexer at once, by object; an object that is
 * complete in S3 and answered for by the store gets its mark. When the store takes nothing for some minutes,
 * everything under way is given up and archiving goes on alone (D5): the filler indexes objects without a mark.
 */
export class LiveIndex {
  readonly #options: LiveIndexOptions;
  readonly #entries = new Map<ArchiveObject, Entry>();
  readonly #marking = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #installed: Promise<boolean>;
  #detached = false;
  /** Of the document that shows, while indexing is given up, whether the store takes any. */
  #probe: IndexGroup | undefined;

  constructor(options: LiveIndexOptions) {
    this.#options = options;
    // Nothing is indexed before the templates are there: an index made without them has another mapping for ever.
    this.#installed = this.#untilInstalled();
  }

  /** True while objects are archived only. */
  get detached(): boolean {
    return this.#detached;
  }

  /** Begins an object's group, unless indexing is given up for now. */
  begin(object: ArchiveObject): void {
    if (!this.#detached && !this.#stop.signal.aborted) {
      this.#entries.set(object, { group: this.#options.indexer.group(object.key), adding: undefined });
    }
  }

  /**
   * Hands the documents of a record over, all of them in one call: the object may be completed meanwhile. Resolves when
   * there is room for more, or when indexing was given up.
   */
  async add(object: ArchiveObject, batches: Iterable<BlockDocuments>): Promise<void> {
    const entry = this.#entries.get(object);
    if (entry === undefined) return;
    entry.adding = this.#addAll(object, entry, batches);
    await entry.adding;
  }

  /** The object can't be indexed completely by this process: it gets no mark, the filler comes back to it. */
  leave(object: ArchiveObject): void {
    this.#entries.get(object)?.group.abandon();
    this.#entries.delete(object);
  }

  /** The object is complete in S3: it gets its mark when the store has answered for all its documents. */
  completed(object: ArchiveObject): void {
    const entry = this.#entries.get(object);
    if (entry === undefined) return;
    const marking = this.#mark(object, entry).finally(() => this.#marking.delete(marking));
    this.#marking.add(marking);
  }

  /** Resolves when every completed object has its mark or was left to the filler. */
  async marked(): Promise<void> {
    await Promise.all(this.#marking);
  }

  /** Stops everything; what has no mark yet gets none from this process. */
  abandon(): void {
    this.#stop.abort();
    for (const object of [...this.#entries.keys()]) this.leave(object);
    this.#probe?.abandon();
  }

  async #addAll(object: ArchiveObject, entry: Entry, batches: Iterable<BlockDocuments>): Promise<void> {
    const { indexer, clock, giveUpMs } = this.#options;
    for (const { block, documents } of batches) {
      if (this.#entries.get(object) !== entry) return;
      const timer = new AbortController();
      const late = clock
        .sleep(giveUpMs, AbortSignal.any([timer.signal, this.#stop.signal]))
        .then(() => 'late');
      const taken = this.#installed.then(async (installed) => {
        if (installed && this.#entries.get(object) === entry)
          await indexer.add(documents, entry.group, block);
        return 'taken';
      });
      const outcome = await Promise.race([taken, late]);
      timer.abort();
      if (outcome === 'late' && !this.#stop.signal.aborted) this.#giveUp(documents.slice(0, 1));
    }
  }

  async #mark(object: ArchiveObject, { group, adding }: Entry): Promise<void> {
    const { store, clock, emit, storm } = this.#options;
    const signal = this.#stop.signal;
    await adding;
    group.seal();
    const result = await group.done;
    if (result === undefined) return;
    this.#entries.delete(object);
    const mark = finishedMark(object, () => object.footer.build().sources, result);
    noteExceptions(storm, mark);
    for (let attempt = 0; attempt < markTries && !signal.aborted; attempt++) {
      try {
        await store.putMark(mark, signal);
        emit('mark_written', { object: object.key, events: mark.events, exceptions: mark.exceptions.length });
        return;
      } catch (error) {
        if (attempt === markTries - 1) emit('mark_left', { object: object.key, error: messageOf(error) });
      }
      await clock.sleep(backoffMs(storeRetry, attempt, clock.random), signal);
    }
  }

  #giveUp(sample: RenderedDocument[]): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#options.emit('index_given_up', { objects: this.#entries.size });
    for (const object of [...this.#entries.keys()]) this.leave(object);
    this.#untilTaken(sample).then(
      (taken) => {
        if (!taken) return;
        this.#detached = false;
        this.#options.emit('index_resumed');
        this.#options.onResumed();
      },
      (error: unknown) => this.#options.emit('shard_failed', { error: messageOf(error) }),
    );
  }

  /**
   * Waits until the store takes a document that it did not take before. That it answers other calls proves nothing:
   * one with a full disk or without a right to write answers all of them. False when stopped before.
   */
  async #untilTaken(sample: RenderedDocument[]): Promise<boolean> {
    if (!(await this.#installed) || this.#stop.signal.aborted) return false;
    const { indexer } = this.#options;
    const group = indexer.group();
    this.#probe = group;
    await indexer.add(sample, group);
    group.seal();
    return (await group.done) !== undefined;
  }

  /** False when stopped before. */
  async #untilInstalled(): Promise<boolean> {
    const { clock, store } = this.#options;
    const signal = this.#stop.signal;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await store.install(signal);
        return true;
      } catch {
        // The main process reports a store that does not answer; each shard saying so too would be noise.
        await clock.sleep(backoffMs(storeRetry, attempt, clock.random), signal);
      }
    }
    return false;
  }
}
