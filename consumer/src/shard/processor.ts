import { messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ShardTelemetry } from '../events.ts';
import type { Checkpointer, DeliveredRecord, RecordProcessor } from './kcl-protocol.ts';
import type { ShardRecord } from './record.ts';
import type { Shard } from './shard.ts';

export interface ProcessorOptions {
  /** Makes the shard's parts once its id is known. */
  open(shardId: string): Shard;
  clock: Clock;
  emit: ShardTelemetry['emit'];
  /** Time to close objects and be checkpointed when the shard has to go. */
  drainMs: number;
  /** The process cannot go on: it ends, its worker starts again from the checkpoint. */
  fail(error: unknown): void;
}

const checkpointRetry: Backoff = { baseMs: 200, maxMs: 5_000 };
/** Tries at a shard's end, where no next call will come. */
const endTries = 12;
/** Time for telling S3 that uploads are dropped. */
const abortMs = 2_000;

/** One shard on the MultiLangDaemon's protocol: every call is answered once, and only when it is done. */
export function createProcessor(options: ProcessorOptions): RecordProcessor {
  const { clock, emit, drainMs, fail } = options;
  let current: Shard | undefined;
  const opened = () => {
    if (current === undefined) throw new TypeError('the daemon sent a call before initialize');
    return current;
  };
  const answer = (work: () => Promise<void>, done: () => void) => {
    work().then(done, fail);
  };
  return {
    initialize({ shardId, sequenceNumber }, done) {
      answer(async () => {
        current = options.open(shardId);
        emit('shard_started', { shard: shardId, after: sequenceNumber });
      }, done);
    },
    processRecords({ records, millisBehindLatest, checkpointer }, done) {
      answer(async () => {
        const shard = opened();
        shard.behindMs = millisBehindLatest ?? 0;
        shard.received(records.length);
        // What was let go has no place in the checkpoint's order: whatever followed it would cover it.
        if (shard.skipped && !shard.leaving) throw new Error('told to leave, but not asked to shut down');
        for (const record of records) {
          if (shard.leaseLost || shard.skipped) break;
          await shard.take(recordOf(record));
        }
        await checkpointDue(shard, checkpointer, emit);
      }, done);
    },
    leaseLost(_input, done) {
      answer(async () => {
        // Another worker writes these records; what this one still wrote would only be read twice.
        if (opened().writer.unfinished > 0) emit('lease_lost', { objects: opened().writer.unfinished });
        await Promise.race([opened().abandon(), clock.sleep(abortMs)]);
      }, done);
    },
    shardEnded({ checkpointer }, done) {
      answer(async () => {
        const shard = opened();
        await shard.finish();
        // The end of the shard is past everything delivered: only what is durable to the last record may say so.
        if (shard.leaseLost || shard.skipped || !shard.checkpoint.complete) {
          throw new Error('the shard ended before all of it was archived');
        }
        await Promise.race([shard.index.marked(), clock.sleep(drainMs)]);
        shard.counts?.tell();
        await checkpointEnd(checkpointer, clock, emit);
        emit('shard_ended', {});
      }, done);
    },
    shutdownRequested({ checkpointer }, done) {
      answer(async () => {
        const shard = opened();
        const timer = new AbortController();
        const late = clock.sleep(drainMs, timer.signal);
        await Promise.race([shard.finish(), late]);
        await checkpointDue(shard, checkpointer, emit);
        await Promise.race([shard.index.marked(), late]);
        timer.abort();
        emit('shard_released', { shard: shard.id, complete: shard.checkpoint.complete && !shard.skipped });
      }, done);
    },
  };
}

/** Sends what is due. A refused checkpoint stays due for the next call; a lost lease ends all writing. */
async function checkpointDue(
  shard: Shard,
  checkpointer: Checkpointer,
  emit: ShardTelemetry['emit'],
): Promise<void> {
  const sequence = shard.checkpoint.due();
  if (sequence === undefined || shard.leaseLost) return;
  // What a checkpoint covers is not read again: its events have to be counted elsewhere before.
  shard.counts?.tell();
  const error = await new Promise<string | null | undefined>((resolve) => {
    // By number, always: without one KCL takes the end of what was delivered, which no object holds yet.
    checkpointer.checkpoint(sequence, resolve);
  });
  if (error === null || error === undefined) return shard.checkpoint.sent(sequence);
  emit('checkpoint_refused', { sequence, error });
  if (error === 'ShutdownException') {
    emit('lease_lost', { objects: shard.writer.unfinished });
    await shard.abandon();
  }
}

/**
 * The checkpoint at a shard's end, where everything delivered is durable. There is no next call: without this
 * checkpoint KCL never lets the shard's children begin, so that giving up means to start the worker again.
 * @throws when every try was refused
 */
async function checkpointEnd(
  checkpointer: Checkpointer,
  clock: Clock,
  emit: ShardTelemetry['emit'],
): Promise<void> {
  let refused: string | null | undefined;
  for (let attempt = 0; attempt < endTries; attempt++) {
    refused = await new Promise((resolve) => checkpointer.checkpoint(resolve));
    if (refused === null || refused === undefined) return;
    emit('checkpoint_refused', { end: true, attempt, error: refused });
    if (refused === 'ShutdownException') break;
    await clock.sleep(backoffMs(checkpointRetry, attempt, clock.random));
  }
  throw new Error(`the checkpoint at the shard's end was refused: ${messageOf(refused)}`);
}

function recordOf(record: DeliveredRecord): ShardRecord {
  return {
    data: Buffer.from(record.data, 'base64'),
    sequence: record.sequenceNumber,
    subSequence: record.subSequenceNumber,
    partitionKey: record.partitionKey,
    arrivalMs: record.approximateArrivalTimestamp,
  };
}
