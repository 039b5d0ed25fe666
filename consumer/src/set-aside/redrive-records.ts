import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { ArchiveWriter } from '../archive/writer.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ShardTelemetry } from '../events.ts';
import { readIncoming } from '../shard/incoming.ts';
import type { ShardRecord } from '../shard/record.ts';
import { streamFilter } from '../shard/stream-filter.ts';
import { decodeBatchBytes, type SetAsideRecord } from './batch-file.ts';
import type { SetAsideItem } from './list.ts';

export interface RedriveOptions {
  config: ConsumerConfig;
  objects: ObjectStore;
  clock: Clock;
  emit: ShardTelemetry['emit'];
  signal: AbortSignal;
}

export interface RedrivenBatch {
  /** Records of the batch that are in the archive now. */
  taken: number;
  /** Those that still cannot be used. */
  left: number;
  /** Archive objects made of them, to be indexed. */
  archived: string[];
}

/**
 * Tries records of one batch again, as a shard takes them: read, archived in objects of their own, and named as taken
 * beside the batch. Ended in between, it is done again: the blocks have the same ids, readers keep one of each.
 * @throws MillraceError ARCHIVE_UNAVAILABLE, ARCHIVE_CORRUPT, DEADLINE when the signal ended it
 */
export async function redriveBatch(
  options: RedriveOptions,
  key: string,
  items: readonly SetAsideItem[],
): Promise<RedrivenBatch> {
  const { config, objects, clock, signal } = options;
  const size = await objects.size(key, signal);
  const whole = size === undefined ? undefined : await objects.read(key, 0, size, signal);
  if (whole === undefined) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: no such object`);
  const content = decodeBatchBytes(whole, key);
  const archived: RedrivenBatch['archived'] = [];
  const lost: unknown[] = [];
  const writer = writerOf(options, items[0]?.record?.shard ?? '', archived, lost);
  const taken: number[] = [];
  try {
    for (const { id, record } of items) {
      if (record === undefined || !archive(config, writer, recordOf(record, content))) continue;
      taken.push(Number(id.slice(id.lastIndexOf(':') + 1)));
      await writer.room();
    }
    await Promise.race([writer.finish(), onceAborted(signal)]);
    if (signal.aborted) throw new MillraceError('DEADLINE', `redrive of ${key} was stopped`);
    if (lost.length > 0) throw new MillraceError('ARCHIVE_UNAVAILABLE', `${key}: ${messageOf(lost[0])}`);
  } finally {
    await writer.abandon();
  }
  if (taken.length > 0) {
    const suffix = Buffer.from(clock.bytes(4)).toString('hex');
    const what = { taken, objects: archived };
    await objects.put(`${key}.redriven-${suffix}.json`, Buffer.from(`${JSON.stringify(what)}\n`), signal);
  }
  return { taken: taken.length, left: items.length - taken.length, archived };
}

/** False when the record still cannot be used. */
function archive(
  config: ConsumerConfig,
  writer: ArchiveWriter,
  record: ShardRecord & Pick<SetAsideRecord, 'stream' | 'shard'>,
): boolean {
  const incoming = readIncoming({
    foreign: config.foreign,
    stream: record.stream,
    shard: record.shard,
    takesStream: streamFilter(config.streams),
  })(record);
  if ('reason' in incoming) return false;
  for (const { bytes, id, block } of incoming.blocks) {
    const { sequence, arrivalMs } = record;
    const { object } = writer.append({ bytes, id, header: block.header, sequence, arrivalMs });
    // Readers find the dates: rendering is the filler's.
    object.footer.daysUnknown();
    writer.sealFull(object);
  }
  return true;
}

function writerOf(
  { config, objects, clock, emit }: RedriveOptions,
  shard: string,
  archived: RedrivenBatch['archived'],
  lost: unknown[],
): ArchiveWriter {
  return new ArchiveWriter({
    config: config.archive,
    shard,
    store: objects,
    clock,
    emit,
    onCompleted: ({ key }) => archived.push(key),
    onLost: ({ key }, error) => lost.push(error ?? new Error(`S3 lost the upload of ${key}`)),
  });
}

function recordOf(
  record: SetAsideRecord,
  content: Buffer,
): ShardRecord & Pick<SetAsideRecord, 'stream' | 'shard'> {
  return {
    data: content.subarray(record.offset, record.offset + record.bytes),
    sequence: record.sequence_number,
    subSequence: record.sub_sequence_number,
    partitionKey: record.partition_key,
    arrivalMs: record.arrival_ms,
    stream: record.stream,
    shard: record.shard,
  };
}

function onceAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
