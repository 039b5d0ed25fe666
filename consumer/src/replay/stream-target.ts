import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { awsTimeouts } from '@millrace/archive/aws-timeouts.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { reblock } from './reblock.ts';
import type { ReplayTarget, SelectedBlock } from './target.ts';

/** Puts some blocks into a stream, in one call; resolves with those that it did not take, and why. */
export type PutBlocks = (
  blocks: Buffer[],
  signal: AbortSignal,
) => Promise<{ refused: Buffer[]; reason: string }>;

export interface StreamTargetOptions {
  put: PutBlocks;
  clock: Clock;
  signal: AbortSignal;
  close(): void;
}

/** Of one PutRecords call; Kinesis takes 500 records and 5 MiB at least. */
const blocksMax = 500;
const bytesMax = 4 * 1024 * 1024;
const patience: Backoff = { baseMs: 100, maxMs: 5_000 };
/** In a row without anything taken. */
const attemptsMax = 20;

/**
 * Sends blocks to a Kinesis stream: whole ones byte for byte, of others the selected records in blocks of their own.
 * What reads the stream finds events with the ids that they have.
 */
export function streamTarget(options: StreamTargetOptions): ReplayTarget {
  return {
    open() {
      let waiting: Buffer[] = [];
      let bytes = 0;
      const flush = async () => {
        const blocks = waiting;
        waiting = [];
        bytes = 0;
        if (blocks.length > 0) await deliver(options, blocks);
      };
      return {
        async take(selected, counts) {
          const { blocks, events } = blocksOf(selected);
          counts.events += events;
          counts.written += events;
          for (const block of blocks) {
            if (waiting.length >= blocksMax || bytes + block.length > bytesMax) await flush();
            waiting.push(block);
            bytes += block.length;
          }
        },
        async end() {
          await flush();
          return {};
        },
      };
    },
    close: async () => options.close(),
  };
}

/** PutRecords on a stream. */
export function kinesisPut(
  stream: { name: string; region: string; endpoint?: string },
  clock: Clock,
): { put: PutBlocks; close(): void } {
  const client = new KinesisClient({
    region: stream.region,
    ...(stream.endpoint ? { endpoint: stream.endpoint } : {}),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(awsTimeouts(30_000)),
  });
  return {
    async put(blocks, signal) {
      const Records = blocks.map((Data) => ({
        Data,
        PartitionKey: Buffer.from(clock.bytes(9)).toString('base64url'),
      }));
      const answer = await client.send(new PutRecordsCommand({ StreamName: stream.name, Records }), {
        abortSignal: signal,
      });
      const failed = answer.Records?.find((record) => record.ErrorCode !== undefined);
      const refused = blocks.filter((_, i) => answer.Records?.[i]?.SequenceNumber === undefined);
      return { refused, reason: `${failed?.ErrorCode}: ${failed?.ErrorMessage}` };
    },
    close: () => client.destroy(),
  };
}

function blocksOf(selected: SelectedBlock): { blocks: Buffer[]; events: number } {
  const { block, bytes, corrected } = selected;
  const all = countRecords(block);
  // No documents need be made to know that all of them are selected.
  if (selected.whole) return { blocks: [bytes], events: all };
  const chosen = [...selected.batches()].flatMap(({ records }) => records);
  const blocks = chosen.length === all && !corrected ? [bytes] : reblock(block, chosen);
  return { blocks, events: chosen.length };
}

function countRecords(block: Block): number {
  let count = 0;
  for (const _ of blockRecords(block)) count++;
  return count;
}

/** Resends what was refused, as often as some of it goes through. */
async function deliver({ put, clock, signal }: StreamTargetOptions, blocks: Buffer[]): Promise<void> {
  let left = blocks;
  for (let attempt = 0; left.length > 0; attempt++) {
    signal.throwIfAborted();
    let reason: string;
    try {
      const answer = await put(left, signal);
      reason = answer.reason;
      if (answer.refused.length < left.length) attempt = 0;
      left = answer.refused;
    } catch (error) {
      // A stream that is not there, or a denied call, will not be better for trying.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      reason = messageOf(error);
      if (
        status !== undefined &&
        status >= 400 &&
        status < 500 &&
        !/Throughput|Throttl|Limit/.test(String(error))
      )
        throw new MillraceError('STREAM_UNAVAILABLE', `PutRecords: ${reason}`, { cause: error });
    }
    if (left.length === 0) return;
    if (attempt >= attemptsMax) throw new MillraceError('STREAM_UNAVAILABLE', `PutRecords: ${reason}`);
    await clock.sleep(backoffMs(patience, attempt, clock.random), signal);
  }
}
