import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { addBlockTokens } from '@millrace/core/archive/block-tokens.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { TokenFilterBuilder } from '@millrace/core/archive/token-filter.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { BlockHeader } from '@millrace/core/wire/block.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ShardTelemetry } from '../events.ts';
import { Upload } from './upload.ts';

export interface ArchivedBlock {
  bytes: Uint8Array;
  /** Block id. */
  id: string;
  header: BlockHeader;
  /** Its decoded payload; absent: the object gets no filter of tokens. */
  payload?: Uint8Array;
  sequence: string;
  arrivalMs: number;
}

/** One archive object on its way to S3. */
export interface ArchiveObject {
  readonly key: string;
  readonly stream: string;
  readonly footer: FooterBuilder;
  /** `open`: takes blocks; `sealed`: its footer is written, it waits for S3; then it is done or gone. */
  state: 'open' | 'sealed' | 'completed' | 'abandoned';
}

export interface WriterOptions {
  config: ConsumerConfig['archive'];
  shard: string;
  store: ObjectStore;
  clock: Clock;
  emit: ShardTelemetry['emit'];
  /** The object lies in S3 for good. */
  onCompleted(object: ArchiveObject): void;
  /** The object cannot be completed any more: its records have to be delivered again. */
  onLost(object: ArchiveObject, error?: unknown): void;
}

interface Open {
  object: ArchiveObject;
  upload: Upload;
  tokens: TokenFilterBuilder | undefined;
  openedMs: number;
  touchedMs: number;
  /** Nothing in it is of a file: agents say every minute that they are there. */
  idle: boolean;
}

/** Footers of this size are written out, far below what a reader takes. */
const footerWeightMax = 2 * 1024 * 1024;
const blocksMax = 100_000;
/** A filter of tokens has at most this share of its object's bytes. */
const tokensShareMax = 0.025;

/** The archive objects of one shard: one open object per Millrace stream, any number on their way. */
export class ArchiveWriter {
  readonly #options: WriterOptions;
  readonly #open = new Map<string, Open>();
  readonly #sealed = new Set<Open>();
  #buffered = 0;
  #lastRecordMs: number;
  #drained = Promise.withResolvers<void>();
  #stopped = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#lastRecordMs = options.clock.monotonic();
  }

  /** Bytes that S3 has not acknowledged yet. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Objects that are open or on their way. */
  get unfinished(): number {
    return this.#open.size + this.#sealed.size;
  }

  /**
   * Gives a block to the open object of its stream. `repeated`: that object holds it already, nothing was added.
   * The caller calls `sealFull` when it is done with the block.
   */
  append(block: ArchivedBlock): { object: ArchiveObject; repeated: boolean } {
    if (this.#stopped) throw new TypeError('append after abandon');
    const nowMs = this.#options.clock.monotonic();
    const entry = this.#open.get(block.header.stream) ?? this.#create(block, nowMs);
    entry.touchedMs = nowMs;
    if (block.header.runs.length > 0) {
      entry.idle = false;
      this.#lastRecordMs = nowMs;
    }
    const { object, upload } = entry;
    if (object.footer.has(block.id)) return { object, repeated: true };
    const { id, sequence, arrivalMs } = block;
    object.footer.add({ length: block.bytes.length, id, sequence, arrivalMs }, block.header);
    const { header, payload } = block;
    if (payload === undefined) entry.tokens = undefined;
    else if (entry.tokens !== undefined) addBlockTokens(entry.tokens, { header, payload });
    upload.push(block.bytes);
    return { object, repeated: false };
  }

  /** Closes the object if it has reached its size. */
  sealFull(object: ArchiveObject): void {
    const entry = this.#open.get(object.stream);
    if (entry?.object !== object) return;
    const { footer } = object;
    if (
      footer.offset >= this.#options.config.object_bytes_max ||
      footer.weight >= footerWeightMax ||
      footer.blocks >= blocksMax
    ) {
      this.#seal(entry);
    }
  }

  /**
   * Closes objects that are old, and all when the shard went quiet; called every second or so. Objects of control
   * blocks alone are not worth a request every half minute, so they wait for their age, but not in the way of others:
   * a checkpoint reaches no further than the first object that is not complete.
   */
  tick(): void {
    const nowMs = this.#options.clock.monotonic();
    const { object_age_ms_max: ageMax, idle_ms_max: idleMax } = this.#options.config;
    const quiet = nowMs - this.#lastRecordMs >= idleMax && [...this.#open.values()].some(({ idle }) => !idle);
    for (const entry of this.#open.values()) {
      if (quiet || nowMs - entry.openedMs >= ageMax) this.#seal(entry);
    }
  }

  /** Closes every open object. */
  sealAll(): void {
    for (const entry of this.#open.values()) this.#seal(entry);
  }

  /** Resolves when there is room for more; until then nothing should be appended. */
  async room(): Promise<void> {
    while (!this.#stopped && this.#buffered >= this.#options.config.buffer_bytes_max) {
      this.#sealLargest();
      await this.#drained.promise;
    }
  }

  /** Closes every object; resolves when all that are under way are completed or given up. */
  async finish(): Promise<void> {
    this.sealAll();
    await Promise.all([...this.#sealed].map((entry) => entry.upload.finished));
  }

  /** Writes nothing any more and drops what is not completed. Resolves when S3 was told, best effort. */
  async abandon(): Promise<void> {
    this.#stopped = true;
    const entries = [...this.#open.values(), ...this.#sealed];
    this.#open.clear();
    this.#sealed.clear();
    const freed = entries.map(({ object, upload }) => {
      object.state = 'abandoned';
      return upload.abandon();
    });
    this.#wake();
    await Promise.all(freed);
  }

  #create(block: ArchivedBlock, nowMs: number): Open {
    const { config, shard, store, clock, emit } = this.#options;
    if (this.#open.size >= config.open_objects_max) this.#sealStalest();
    const key = archiveKey({
      prefix: config.prefix,
      stream: block.header.stream,
      hourMs: Math.floor(block.arrivalMs / hourMs) * hourMs,
      shard,
      firstSequence: block.sequence,
      suffix: Buffer.from(clock.bytes(4)).toString('hex'),
    });
    const upload = new Upload(key, {
      store,
      clock,
      retry: { baseMs: config.retry.base_ms, maxMs: config.retry.max_ms },
      partBytes: config.part_bytes,
      emit,
      onBuffered: (change) => {
        this.#buffered += change;
        if (change < 0) this.#wake();
      },
    });
    const stream = block.header.stream;
    const object: ArchiveObject = { key, stream, footer: new FooterBuilder(stream), state: 'open' };
    const tokens = config.token_filter ? new TokenFilterBuilder() : undefined;
    const entry: Open = { object, upload, tokens, openedMs: nowMs, touchedMs: nowMs, idle: true };
    this.#open.set(stream, entry);
    upload.finished.then(
      (outcome) => this.#finished(entry, outcome),
      (error: unknown) => this.#options.onLost(object, error),
    );
    return entry;
  }

  #seal(entry: Open): void {
    const { object, upload } = entry;
    this.#open.delete(object.stream);
    this.#sealed.add(entry);
    if (!entry.idle) this.#sealIdle();
    object.state = 'sealed';
    const tokens = entry.tokens?.build(Math.floor(object.footer.offset * tokensShareMax));
    upload.push(encodeFooter({ ...object.footer.build(), ...(tokens && { tokens }) }));
    upload.seal();
  }

  #finished(entry: Open, outcome: 'done' | 'lost' | 'abandoned'): void {
    this.#sealed.delete(entry);
    if (outcome === 'done') {
      entry.object.state = 'completed';
      this.#options.onCompleted(entry.object);
    } else if (outcome === 'lost') {
      this.#options.onLost(entry.object);
    }
    this.#wake();
  }

  #sealIdle(): void {
    for (const entry of this.#open.values()) if (entry.idle) this.#seal(entry);
  }

  #sealStalest(): void {
    let stalest: Open | undefined;
    for (const entry of this.#open.values()) {
      if (stalest === undefined || entry.touchedMs < stalest.touchedMs) stalest = entry;
    }
    if (stalest) this.#seal(stalest);
  }

  /** What waits to become a part would wait for ever when many small objects fill the buffer. */
  #sealLargest(): void {
    if (this.#sealed.size > 0) return;
    let largest: Open | undefined;
    for (const entry of this.#open.values()) {
      if (largest === undefined || entry.upload.pendingBytes > largest.upload.pendingBytes) largest = entry;
    }
    if (largest) this.#seal(largest);
  }

  #wake(): void {
    this.#drained.resolve();
    this.#drained = Promise.withResolvers<void>();
  }
}
