import type { ObjectStore } from '@millrace/archive/object-store.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { ArchiveWriter } from '../archive/writer.ts';
import { Checkpoint } from '../checkpoint.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ShardCounts } from '../counters/shard-counts.ts';
import { shutdownMarginMs } from '../daemon/properties.ts';
import type { ShardTelemetry } from '../events.ts';
import type { Indexer } from '../index/indexer.ts';
import { SetAsideStorm } from '../set-aside/storm.ts';
import type { BlockNote } from './block-note.ts';
import { readIncoming } from './incoming.ts';
import { LiveIndex } from './live-index.ts';
import { Pipeline, type PipelineOptions } from './pipeline.ts';
import type { ShardRecord } from './record.ts';
import { SetAsideWriter } from './set-aside.ts';
import { streamFilter } from './stream-filter.ts';

export interface ShardOptions {
  id: string;
  config: ConsumerConfig;
  objects: ObjectStore;
  store: Store;
  indexer: Indexer;
  clock: Clock;
  telemetry: ShardTelemetry;
  renderer: Renderer;
  note: Pick<BlockNote, 'condemned' | 'during' | 'step'>;
  /** Absent: events are not counted. */
  counts?: ShardCounts | undefined;
  /** An object is lost: its records have to be delivered again. */
  fail(error: unknown): void;
}

/** The parts that process one shard, and what they report. */
export class Shard {
  readonly id: string;
  readonly checkpoint = new Checkpoint();
  readonly writer: ArchiveWriter;
  readonly index: LiveIndex;
  readonly setAside: SetAsideWriter;
  readonly pipeline: Pipeline;
  readonly counts: ShardCounts | undefined;
  /** Counts what the daemon delivered. */
  readonly received: (records: number) => void;
  /** Iterator age of the last delivery. */
  behindMs = 0;
  /** Records were let go: this process can't go on with what comes after them. */
  skipped = false;
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  readonly #leaveMs: number;
  #leavingUntilMs = 0;
  /** Ends the wait of the call that goes on. */
  #leave: (() => void) | undefined;
  readonly #storm: SetAsideStorm;

  constructor(options: ShardOptions) {
    const { id, config, objects, store, indexer, clock, telemetry, renderer, note, fail } = options;
    const { emit } = telemetry;
    this.id = id;
    this.counts = options.counts;
    this.#clock = clock;
    this.#leaveMs = config.drain_ms + shutdownMarginMs;
    this.received = telemetry.counter('records_total', 'Records that the stream delivered.');
    this.#storm = new SetAsideStorm(clock, telemetry);
    this.index = new LiveIndex({
      store,
      indexer,
      clock,
      emit,
      storm: this.#storm,
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
    this.setAside = new SetAsideWriter({
      store: objects,
      clock,
      emit,
      storm: this.#storm,
      retry: { baseMs: config.archive.retry.base_ms, maxMs: config.archive.retry.max_ms },
      prefix: config.archive.prefix,
      stream: config.stream.name,
      shard: id,
      onStored: (batch) => this.checkpoint.durable(batch),
      onLost: fail,
      signal: this.#stop.signal,
    });
    this.pipeline = new Pipeline({
      writer: this.writer,
      checkpoint: this.checkpoint,
      index: this.index,
      renderer,
      read: readIncoming({
        foreign: config.foreign,
        stream: config.stream.name,
        shard: id,
        takesStream: streamFilter(config.streams),
      }),
      setAside: this.setAside,
      note,
      emit,
      see: this.counts?.see,
      count: countersOf(telemetry),
    });
    this.#report(telemetry, clock);
    this.#tick(clock).catch(fail);
  }

  /** The lease is gone or the process ends: nothing is written any more. */
  get leaseLost(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Closes what is open; resolves when all of it is in the bucket or given up. */
  async finish(): Promise<void> {
    await Promise.all([this.writer.finish(), this.setAside.finish()]);
  }

  /** The worker stops: no record is begun any more, and a call that waits for room is answered. */
  letGo(): void {
    this.#leavingUntilMs = this.#clock.monotonic() + this.#leaveMs;
    this.#leave?.();
  }

  /** True from `letGo` on, until the daemon would have asked for the shutdown: then it was a stray signal. */
  get leaving(): boolean {
    return this.#clock.monotonic() < this.#leavingUntilMs;
  }

  /** Takes a record; resolves when there is room for the next one, or when the worker stops. */
  async take(record: ShardRecord): Promise<void> {
    if (this.leaving) {
      this.skipped = true;
      return;
    }
    const { promise: left, resolve } = Promise.withResolvers<'left'>();
    this.#leave = () => resolve('left');
    if ((await Promise.race([this.pipeline.accept(record), left])) === 'left') this.skipped = true;
    this.#leave = undefined;
  }

  /** Stops all writing at once. Resolves when S3 was told to drop unfinished uploads. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    this.#storm.stop();
    this.index.abandon();
    await this.writer.abandon();
  }

  #report(telemetry: ShardTelemetry, clock: Clock): void {
    telemetry.gauge('iterator_age_ms', 'How far reading is behind the stream.', () => this.behindMs);
    telemetry.gauge(
      'checkpoint_lag_ms',
      'How long ago the stream took the first record that no checkpoint covers; 0 when all are covered.',
      () => Math.max(0, clock.now() - (this.checkpoint.uncoveredSinceMs ?? clock.now())),
    );
    telemetry.gauge('buffered_bytes', 'Bytes that S3 has not acknowledged.', () => this.writer.buffered);
    telemetry.gauge(
      'unfinished_objects',
      'Archive objects open or on their way.',
      () => this.writer.unfinished,
    );
    telemetry.gauge('detached', '1 while live indexing is given up.', () => (this.index.detached ? 1 : 0));
  }

  async #tick(clock: Clock): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await clock.sleep(1_000, this.#stop.signal);
      this.writer.tick();
      this.setAside.tick();
    }
  }
}

function countersOf(telemetry: ShardTelemetry): PipelineOptions['count'] {
  return {
    blocks: telemetry.counter('blocks_total', 'Blocks taken from the stream.'),
    bytes: telemetry.counter('block_bytes_total', 'Bytes of blocks taken from the stream.'),
    events: telemetry.counter('events_total', 'Events rendered.'),
    foreign: telemetry.counter('foreign_records_total', 'Records taken that are no Millrace blocks.'),
  };
}
