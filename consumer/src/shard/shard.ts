import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { ArchiveWriter } from '../archive/writer.ts';
import { Checkpoint } from '../checkpoint.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ShardTelemetry } from '../events.ts';
import type { Indexer } from '../index/indexer.ts';
import { LiveIndex } from './live-index.ts';
import { Pipeline } from './pipeline.ts';
import { setAside } from './set-aside.ts';
import { streamFilter } from './stream-filter.ts';

export interface ShardOptions {
  id: string;
  config: ConsumerConfig;
  objects: ObjectStore;
  store: Store;
  indexer: Indexer;
  clock: Clock;
  telemetry: ShardTelemetry;
  /** An object is lost: its records have to be delivered again. */
  fail(error: unknown): void;
}

/** The parts that process one shard, and what they report. */
export class Shard {
  readonly id: string;
  readonly checkpoint = new Checkpoint();
  readonly writer: ArchiveWriter;
  readonly index: LiveIndex;
  readonly pipeline: Pipeline;
  /** Iterator age of the last delivery. */
  behindMs = 0;
  readonly #stop = new AbortController();

  constructor(options: ShardOptions) {
    const { id, config, objects, store, indexer, clock, telemetry, fail } = options;
    const { emit } = telemetry;
    this.id = id;
    this.index = new LiveIndex({
      store,
      indexer,
      clock,
      emit,
      giveUpMs: config.index.give_up_ms,
      onResumed: () => this.writer.sealAll(),
    });
    this.writer = new ArchiveWriter({
      config: config.archive,
      shard: id,
      store: objects,
      clock,
      emit,
      onCompleted: (object) => {
        this.checkpoint.durable(object);
        this.index.completed(object);
        emit('object_completed', {
          object: object.key,
          bytes: object.footer.offset,
          blocks: object.footer.blocks,
        });
      },
      onLost: (object, error) => {
        emit('upload_lost', { object: object.key });
        fail(error ?? new Error(`S3 lost the upload of ${object.key}`));
      },
    });
    const retry = { baseMs: config.archive.retry.base_ms, maxMs: config.archive.retry.max_ms };
    const aside = { store: objects, clock, emit, retry, prefix: config.archive.prefix };
    const origin = { stream: config.stream.name, shard: id, signal: this.#stop.signal };
    this.pipeline = new Pipeline({
      writer: this.writer,
      checkpoint: this.checkpoint,
      index: this.index,
      renderer: createRenderer(),
      takesStream: streamFilter(config.streams),
      setAside: (record, reason, code, message) =>
        setAside({ ...aside, ...origin }, record, reason, code, message),
      emit,
      count: {
        blocks: telemetry.counter('blocks_total', 'Blocks taken from the stream.'),
        bytes: telemetry.counter('block_bytes_total', 'Bytes of blocks taken from the stream.'),
        events: telemetry.counter('events_total', 'Events rendered.'),
      },
    });
    telemetry.gauge('iterator_age_ms', 'How far reading is behind the stream.', () => this.behindMs);
    telemetry.gauge('buffered_bytes', 'Bytes that S3 has not acknowledged.', () => this.writer.buffered);
    telemetry.gauge(
      'unfinished_objects',
      'Archive objects open or on their way.',
      () => this.writer.unfinished,
    );
    telemetry.gauge('detached', '1 while live indexing is given up.', () => (this.index.detached ? 1 : 0));
    this.#tick(clock).catch(fail);
  }

  /** The lease is gone or the process ends: nothing is written any more. */
  get leaseLost(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Stops all writing at once. Resolves when S3 was told to drop unfinished uploads. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    this.index.abandon();
    await this.writer.abandon();
  }

  async #tick(clock: Clock): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await clock.sleep(1_000, this.#stop.signal);
      this.writer.tick();
    }
  }
}
