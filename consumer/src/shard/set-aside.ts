import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { isMillraceError } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ShardTelemetry } from '../events.ts';
import type { ShardRecord } from './record.ts';

/**
 * Why a record could not be used. corrupt, unsupported: a block that does not decode, or of a newer version;
 * foreign: no block at all; stream: a block of a stream that is not taken here.
 */
export type SetAsideReason = 'corrupt' | 'unsupported' | 'foreign' | 'stream';

export interface SetAsideOptions {
  store: ObjectStore;
  clock: Clock;
  emit: ShardTelemetry['emit'];
  retry: Backoff;
  /** Archive prefix, Kinesis stream and shard: where the records go. */
  prefix: string;
  stream: string;
  shard: string;
  signal: AbortSignal;
}

/**
 * Stores a record's bytes and the reason in the bucket; repeated until S3 takes them. Returns false when the signal
 * ended it before.
 */
export async function setAside(
  options: SetAsideOptions,
  record: ShardRecord,
  reason: SetAsideReason,
  code: string,
  message: string,
): Promise<boolean> {
  const { prefix, stream, shard, clock, emit } = options;
  const name = record.subSequence > 0 ? `${record.sequence}.${record.subSequence}` : record.sequence;
  const suffix = Buffer.from(clock.bytes(4)).toString('hex');
  const key = `${prefix}set-aside/${stream}/${shard}/${name}-${suffix}`;
  const why = {
    reason,
    code,
    message,
    stream,
    shard,
    sequence_number: record.sequence,
    sub_sequence_number: record.subSequence,
    partition_key: record.partitionKey,
    arrival_ms: record.arrivalMs,
    bytes: record.data.length,
  };
  const stored =
    (await putUntilTaken(options, `${key}.block`, record.data)) &&
    (await putUntilTaken(options, `${key}.json`, Buffer.from(`${JSON.stringify(why)}\n`)));
  if (stored) {
    emit('set_aside', { object: `${key}.block`, reason, code, error: message, bytes: record.data.length });
  }
  return stored;
}

async function putUntilTaken(options: SetAsideOptions, key: string, body: Uint8Array): Promise<boolean> {
  const { store, clock, retry, emit, signal } = options;
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
