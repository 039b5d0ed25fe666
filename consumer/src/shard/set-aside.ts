import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { isMillraceError } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ShardTelemetry } from '../events.ts';
import { encodeBatch, type SetAsideRecord } from '../set-aside/batch-file.ts';
import { setAsideKey } from '../set-aside/key.ts';
import type { SetAsideStorm } from '../set-aside/storm.ts';
import type { ShardRecord } from './record.ts';

/**
 * Why a record could not be used. corrupt, unsupported: a block that does not decode, or of a newer version;
 * foreign: no block at all; stream: a block of a stream that is not taken here; failed, fatal: a fault of ours, that
 * was caught, or that took processes away.
 */
export type SetAsideReason = 'corrupt' | 'unsupported' | 'foreign' | 'stream' | 'failed' | 'fatal';

export interface Refusal {
  reason: SetAsideReason;
  /** Error code. */
  code: string;
  message: string;
  /** Where the header could be read. */
  host?: string;
}

export interface SetAsideOptions {
  store: ObjectStore;
  clock: Clock;
  emit: ShardTelemetry['emit'];
  storm: SetAsideStorm;
  retry: Backoff;
  /** Archive prefix, Kinesis stream and shard: where the records go. */
  prefix: string;
  stream: string;
  shard: string;
  /** The batch that stands for these records in the checkpoint is in the bucket. */
  onStored(batch: object): void;
  /** Stored can never be said of a batch. */
  onLost(error: unknown): void;
  signal: AbortSignal;
}

interface Batch {
  key: string;
  records: SetAsideRecord[];
  data: Uint8Array[];
  bytes: number;
  openedMs: number;
}

/** A batch is stored at this size, number of records or age. */
const bytesMax = 4 * 1024 * 1024;
const recordsMax = 10_000;
const ageMsMax = 2_000;
/** Batches under way at a time; above, reading stops. */
const underWayMax = 3;
/** What a record weighs beside its bytes. */
const recordBytes = 400;

/**
 * Records of one shard that are of no use, stored in the bucket many at a time: a flood of them costs a request per
 * some thousand, not one each, and nothing waits for it but the checkpoint.
 */
export class SetAsideWriter {
  readonly #options: SetAsideOptions;
  readonly #underWay = new Set<Promise<void>>();
  #open: Batch | undefined;

  constructor(options: SetAsideOptions) {
    this.#options = options;
  }

  /** Takes a record and returns what stands for it in the checkpoint; wait for `room` then. */
  add(record: ShardRecord, refusal: Refusal): object {
    const { storm } = this.#options;
    const batch = this.#open ?? this.#create(record);
    const { reason, code, message, host } = refusal;
    const last = batch.records.at(-1);
    const offset = last === undefined ? 0 : last.offset + last.bytes;
    batch.records.push({
      reason,
      code,
      message,
      stream: this.#options.stream,
      shard: this.#options.shard,
      sequence_number: record.sequence,
      sub_sequence_number: record.subSequence,
      partition_key: record.partitionKey,
      arrival_ms: record.arrivalMs,
      ...(host === undefined ? {} : { host }),
      offset,
      bytes: record.data.length,
    });
    batch.data.push(record.data);
    batch.bytes += record.data.length + recordBytes;
    storm.note({ reason, host, error: message, object: batch.key });
    if (batch.bytes >= bytesMax || batch.records.length >= recordsMax) this.#seal(batch);
    return batch;
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.#underWay.size >= underWayMax && !this.#options.signal.aborted) {
      await Promise.race(this.#underWay);
    }
  }

  /** Stores a batch that is old; called every second or so. */
  tick(): void {
    const open = this.#open;
    if (open !== undefined && this.#options.clock.monotonic() - open.openedMs >= ageMsMax) this.#seal(open);
  }

  /** Stores what there is; resolves when all of it is in the bucket, or the signal ended it. */
  async finish(): Promise<void> {
    if (this.#open !== undefined) this.#seal(this.#open);
    await Promise.all(this.#underWay);
  }

  #create(record: ShardRecord): Batch {
    const { prefix, stream, shard, clock } = this.#options;
    const suffix = Buffer.from(clock.bytes(4)).toString('hex');
    const key = setAsideKey({
      prefix,
      stream,
      shard,
      hourMs: record.arrivalMs,
      firstSequence: record.sequence,
      suffix,
    });
    this.#open = { key, records: [], data: [], bytes: 0, openedMs: clock.monotonic() };
    return this.#open;
  }

  #seal(batch: Batch): void {
    this.#open = undefined;
    const storing = this.#store(batch)
      .catch((error: unknown) => this.#options.onLost(error))
      .finally(() => this.#underWay.delete(storing));
    this.#underWay.add(storing);
  }

  async #store(batch: Batch): Promise<void> {
    const { emit, signal } = this.#options;
    const body = encodeBatch(batch.records, batch.data);
    if (!(await this.#put(batch.key, body)) || signal.aborted) return;
    emit('set_aside_stored', { object: batch.key, records: batch.records.length, bytes: body.length });
    this.#options.onStored(batch);
  }

  /** Repeated until S3 takes it; false when the signal ended it before. */
  async #put(key: string, body: Uint8Array): Promise<boolean> {
    const { store, clock, retry, emit, signal } = this.#options;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        // `exists` is our own earlier try: the name is random.
        await store.put(key, body, signal);
        return true;
      } catch (error) {
        if (signal.aborted) break;
        if (!isMillraceError(error, 'ARCHIVE_UNAVAILABLE')) throw error;
        emit('upload_retried', { object: key, call: 'put', attempt, error: error.message });
      }
      await clock.sleep(backoffMs(retry, attempt, clock.random), signal);
    }
    return false;
  }
}
