import { messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { KinesisOutput } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Outbox, OutboxBlock } from '../state/outbox.ts';
import { BufferPool } from './buffer-pool.ts';
import { isThrottle, Pace } from './pace.ts';
import type { StreamClient, StreamRecord } from './stream-client.ts';

/** How long and up to how many bytes a request waits for blocks that are about to come. */
const gatherMs = 20;
const gatherBytes = 1536 * 1024;

/** Base64 and JSON make a record longer on the wire than its bytes; requests are bounded by the bytes of data and key. */
const partitionKeyBytes = 16;

/**
 * Sends one output's blocks from the outbox, several calls at a time, until the stream has acknowledged each.
 * Nothing is ever given up: a refused record waits its backoff and is sent again, alone or with others.
 */
export class Shipper {
  readonly #output: KinesisOutput;
  readonly #client: StreamClient;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #telemetry: AgentTelemetry;
  /** Blocks to send, lowest sequence first. */
  readonly #waiting: OutboxBlock[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  /** Where the blocks of a request lie while it is sent. */
  readonly #buffers = new BufferPool();
  #failures = 0;
  /** Monotonic time before which nothing is sent, after a failure. */
  #pausedUntil = 0;
  #wake: (() => void) | undefined;
  #gathering: AbortController | undefined;
  /** The last block was closed because it was full, so that another is on its way. */
  #more = false;
  #stopped = false;
  #sending = 0;
  readonly #stopping = new AbortController();
  readonly #onAcknowledged: () => void;
  readonly #pace: Pace;
  readonly #countRetried: (output: string, blocks: number) => void;

  constructor(
    output: KinesisOutput,
    client: StreamClient,
    outbox: Outbox,
    clock: Clock,
    telemetry: AgentTelemetry,
    onAcknowledged: () => void,
  ) {
    this.#output = output;
    this.#client = client;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#onAcknowledged = onAcknowledged;
    this.#pace = new Pace(clock);
    this.#countRetried = telemetry.counterBy('retried_blocks_total', 'Blocks that are sent again.', 'output');
  }

  get output(): KinesisOutput {
    return this.#output;
  }

  /** Bytes a second that the stream takes, learned from its refusals; undefined: no limit is known. */
  get rate(): number | undefined {
    return this.#pace.rate;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Blocks of this output that the stream has not acknowledged. */
  get unacknowledged(): number {
    return this.#waiting.length + this.#sending;
  }

  /** `more`: others follow at once, so that the next request may wait for them. */
  add(block: OutboxBlock, more = false): void {
    this.#waiting.push(block);
    this.#more = more;
    if (!this.#worthWaiting()) this.#gathering?.abort();
    this.#wake?.();
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const pause = Math.max(this.#pausedUntil - this.#clock.monotonic(), this.#pace.waitMs());
      if (pause > 0) {
        await this.#clock.sleep(pause, this.#stopping.signal);
      } else if (this.#waiting.length === 0 || this.#inFlight.size >= this.#concurrency()) {
        await this.#woken();
      } else {
        if (this.#worthWaiting()) await this.#gather();
        this.#launch(this.#nextBatch());
      }
    }
    await Promise.all(this.#inFlight);
    this.#client.close();
  }

  /** Ends `run` after the calls in flight. */
  stop(): void {
    this.#stopped = true;
    this.#stopping.abort();
    this.#gathering?.abort();
    this.#wake?.();
  }

  /** A call costs as much CPU as a block does: while a backlog is read, a request takes several. */
  #worthWaiting(): boolean {
    return this.#more && this.#waiting.reduce((sum, block) => sum + block.size, 0) < gatherBytes;
  }

  async #gather(): Promise<void> {
    this.#gathering = new AbortController();
    await this.#clock.sleep(gatherMs, this.#gathering.signal);
    this.#gathering = undefined;
    this.#more = false;
  }

  /** One call at a time while the stream fails: it is not helped by more. */
  #concurrency(): number {
    return this.#failures > 0 ? 1 : this.#output.requestsInFlightMax;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #nextBatch(): OutboxBlock[] {
    const bytesMax = Math.min(this.#output.requestBytesMax, this.#pace.burstBytes);
    let bytes = 0;
    let count = 0;
    for (const block of this.#waiting) {
      bytes += block.size + partitionKeyBytes;
      if (count > 0 && (bytes > bytesMax || count >= this.#output.requestRecordsMax)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #launch(batch: OutboxBlock[]): void {
    this.#sending += batch.length;
    this.#pace.sent(sizeOf(batch));
    const call = this.#send(batch).finally(() => {
      this.#sending -= batch.length;
      this.#inFlight.delete(call);
      this.#wake?.();
    });
    this.#inFlight.add(call);
  }

  async #send(batch: OutboxBlock[]): Promise<void> {
    const buffer = this.#buffers.take(batch.reduce((sum, block) => sum + block.size, 0));
    try {
      const outcomes = await this.#client.putRecords(this.#records(batch, buffer));
      // After a failure it is not used again: the call may still be under way.
      this.#buffers.give(buffer);
      const done = batch.filter((_, i) => outcomes[i]?.ok);
      if (done.length > 0) {
        this.#outbox.acknowledge(done.map((block) => block.seq));
        this.#onAcknowledged();
      }
      const refused = outcomes.find((outcome) => !outcome.ok);
      if (refused === undefined) this.#succeeded(sizeOf(done));
      else {
        const again = batch.filter((_, i) => !outcomes[i]?.ok);
        this.#countRetried(this.#output.id, again.length);
        this.#telemetry.emit('records_retried', {
          output: this.#output.id,
          records: again.length,
          code: refused.code,
          error: refused.message,
        });
        this.#refused(again, done, refused.code);
      }
    } catch (error) {
      this.#countRetried(this.#output.id, batch.length);
      this.#telemetry.emit('request_failed', {
        output: this.#output.id,
        records: batch.length,
        error: messageOf(error),
      });
      this.#failed(batch);
    }
  }

  #records(batch: OutboxBlock[], buffer: Buffer): StreamRecord[] {
    let at = 0;
    return batch.map((block) => {
      const data = this.#outbox.read(block.seq, buffer.subarray(at, at + block.size));
      at += block.size;
      // Random: no shard runs hot, and nothing relies on arrival order (D1).
      const partitionKey = Buffer.from(this.#clock.bytes(partitionKeyBytes / 2)).toString('hex');
      return { data, partitionKey };
    });
  }

  /** A stream that is only too slow gets the rest at its pace; for all else the waits double. */
  #refused(again: OutboxBlock[], done: OutboxBlock[], code: string): void {
    if (isThrottle(code)) this.#pace.refused(sizeOf(done));
    if (!isThrottle(code) || done.length === 0) {
      this.#failed(again);
      return;
    }
    this.#failures = 0;
    this.#waiting.unshift(...again);
  }

  #succeeded(bytes: number): void {
    this.#pace.taken(bytes);
    if (this.#failures > 0) this.#telemetry.emit('stream_recovered', { output: this.#output.id });
    this.#failures = 0;
  }

  #failed(again: OutboxBlock[]): void {
    const backoff = { baseMs: this.#output.retryBaseMs, maxMs: this.#output.retryMaxMs };
    const wait = backoffMs(backoff, this.#failures++, () => this.#clock.random());
    this.#pausedUntil = this.#clock.monotonic() + wait;
    this.#waiting.unshift(...again);
  }
}

function sizeOf(blocks: OutboxBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.size + partitionKeyBytes, 0);
}
