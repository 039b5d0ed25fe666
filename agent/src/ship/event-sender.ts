import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { OutboxBlock } from '../state/outbox.ts';
import { createBlockOpener } from './block-events.ts';
import { isThrottle, Pace } from './pace.ts';
import type { BatchBounds, Packing } from './packing.ts';
import { createKeyDraw, keyText } from './partition-keys.ts';
import { type OpenBlock, RecordBatch } from './record-batch.ts';
import type { Sender, SenderContext } from './sender.ts';
import type { BatchClient, RecordOutcome, StreamClient } from './stream-client.ts';

/** How an output sends events one by one, or several in a record. */
export interface EventSending {
  id: string;
  requestRecordsMax: number;
  requestBytesMax: number;
  requestsInFlightMax: number;
  retryBaseMs: number;
  retryMaxMs: number;
  /** Largest record, bytes of data and key. */
  recordBytesMax: number;
  packing: Packing;
}

/** A request that is larger saves nothing; one record may be. */
const gatherBytes = 1536 * 1024;

/**
 * Opens blocks and sends their events as records, several calls at a time. A block is acknowledged when the stream has
 * taken all of its records; what was not acknowledged is sent again after a crash.
 */
export class EventSender implements Sender {
  readonly #sending: EventSending;
  readonly #client: StreamClient | BatchClient;
  readonly #context: SenderContext;
  readonly #pace: Pace;
  readonly #drawKey: () => number;
  readonly #open: (block: OutboxBlock) => Iterator<PlainEvent>;
  readonly #blocks: OutboxBlock[] = [];
  /** The block whose events are being put into records, and those that are left. */
  #block: OpenBlock | undefined;
  #events: Iterator<PlainEvent> | undefined;
  /** Had no room in the last request. */
  #held: PlainEvent | undefined;
  /** Records to be sent again, from `#againNext` of the first. */
  readonly #again: RecordBatch[] = [];
  #againNext = 0;
  readonly #free: RecordBatch[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #opened = 0;
  #failures = 0;
  #pausedUntil = 0;
  #wake: (() => void) | undefined;

  constructor(sending: EventSending, client: StreamClient | BatchClient, context: SenderContext) {
    this.#sending = sending;
    this.#client = client;
    this.#context = context;
    this.#open = createBlockOpener(context.outbox);
    this.#pace = new Pace(context.clock);
    this.#drawKey = createKeyDraw(context.clock);
  }

  get unacknowledged(): number {
    return this.#blocks.length + this.#opened;
  }

  get rate(): number | undefined {
    return this.#pace.rate;
  }

  get failures(): number {
    return this.#failures;
  }

  add(block: OutboxBlock): void {
    this.#blocks.push(block);
    this.#wake?.();
  }

  async run(): Promise<void> {
    const { clock } = this.#context;
    while (!this.#stopping.signal.aborted) {
      const pause = Math.max(this.#pausedUntil - clock.monotonic(), this.#pace.waitMs());
      const concurrency = this.#failures > 0 ? 1 : this.#sending.requestsInFlightMax;
      if (pause > 0) await clock.sleep(pause, this.#stopping.signal);
      else if (this.#inFlight.size >= concurrency || !this.#launchNext()) await this.#woken();
    }
    await Promise.all(this.#inFlight);
    this.#client.close();
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  /** False when there is nothing to send. */
  #launchNext(): boolean {
    const batch = this.#free.pop() ?? new RecordBatch();
    this.#fill(batch);
    if (batch.count === 0) {
      this.#free.push(batch);
      return false;
    }
    this.#pace.sent(batch.bytes);
    const call = this.#send(batch).finally(() => {
      this.#inFlight.delete(call);
      this.#wake?.();
    });
    this.#inFlight.add(call);
    return true;
  }

  #fill(batch: RecordBatch): void {
    const { requestRecordsMax, requestBytesMax } = this.#sending;
    const bytes = Math.min(requestBytesMax, this.#pace.burstBytes, gatherBytes);
    const bounds = { records: requestRecordsMax, bytes };
    if (this.#fillAgain(batch, bounds)) {
      this.#fillEvents(batch, bounds);
      this.#sending.packing.finish(batch);
      // Only now are the records of a block that was read to its end counted.
      for (const block of this.#ended.splice(0)) this.#settle(block);
    }
  }

  /** True when there is room for more. */
  #fillAgain(batch: RecordBatch, bounds: BatchBounds): boolean {
    for (let [from] = this.#again; from !== undefined; [from] = this.#again) {
      for (; this.#againNext < from.count; this.#againNext++) {
        const bytes = batch.bytes + from.bytesOf(this.#againNext);
        if (batch.count > 0 && (batch.count >= bounds.records || bytes > bounds.bytes)) return false;
        batch.take(from, this.#againNext);
      }
      this.#again.shift();
      this.#againNext = 0;
      this.#release(from);
    }
    return true;
  }

  #fillEvents(batch: RecordBatch, bounds: BatchBounds): void {
    const { packing, id: output, recordBytesMax: limit } = this.#sending;
    for (;;) {
      const event = this.#held ?? this.#nextEvent();
      if (event === undefined) return;
      const added = packing.add(batch, event, this.#block as OpenBlock, bounds);
      this.#held = added === 'full' ? event : undefined;
      if (added === 'full') return;
      // No service takes it, and there is nobody to say so to: counted and named, as it is in the files still.
      if (added !== 'added')
        this.#context.telemetry.emit('record_too_large', { output, size: added.size, limit });
    }
  }

  readonly #ended: OpenBlock[] = [];

  #nextEvent(): PlainEvent | undefined {
    for (;;) {
      if (this.#events === undefined) {
        const next = this.#blocks.shift();
        if (next === undefined) return undefined;
        this.#opened++;
        this.#block = { seq: next.seq, left: 0, open: true };
        this.#events = this.#open(next);
      }
      const { done, value } = this.#events.next();
      if (!done) return value;
      this.#events = undefined;
      this.#ended.push(this.#block as OpenBlock);
      this.#block = undefined;
    }
  }

  async #send(batch: RecordBatch): Promise<void> {
    const { id: output } = this.#sending;
    const { telemetry } = this.#context;
    try {
      const outcomes = await this.#put(batch);
      const refused = outcomes?.find((outcome) => !outcome.ok);
      if (outcomes === undefined || refused === undefined) {
        this.#delivered(batch);
        if (this.#failures > 0) telemetry.emit('stream_recovered', { output });
        this.#failures = 0;
        this.#pace.taken(batch.bytes);
        this.#release(batch);
        return;
      }
      const again = this.#free.pop() ?? new RecordBatch();
      for (let i = 0; i < batch.count; i++) if (!outcomes[i]?.ok) again.take(batch, i);
      this.#delivered(batch, outcomes);
      const { code, message: error } = refused;
      telemetry.emit('records_retried', { output, records: again.count, code, error });
      this.#refused(again, batch, code);
      this.#release(batch);
    } catch (error) {
      telemetry.emit('request_failed', { output, records: batch.count, error: messageOf(error) });
      this.#failed(batch);
    }
  }

  #put(batch: RecordBatch): Promise<RecordOutcome[] | undefined> {
    const client = this.#client;
    if (client.putBatch) return client.putBatch(batch, this.#drawKey);
    return (client as StreamClient).putRecords(batch.records(() => keyText(this.#drawKey())));
  }

  /** Without outcomes all of it. */
  #delivered(batch: RecordBatch, outcomes?: RecordOutcome[]): void {
    const done: number[] = [];
    for (let i = 0; i < batch.count; i++) {
      if (outcomes && !outcomes[i]?.ok) continue;
      for (const block of batch.blocks[i] as readonly OpenBlock[])
        if (--block.left === 0 && !block.open) done.push(block.seq);
    }
    this.#acknowledge(done);
  }

  /** All events of a block are in records. */
  #settle(block: OpenBlock): void {
    block.open = false;
    if (block.left === 0) this.#acknowledge([block.seq]);
  }

  #acknowledge(seqs: number[]): void {
    if (seqs.length === 0) return;
    this.#opened -= seqs.length;
    this.#context.outbox.acknowledge(seqs);
    this.#context.onAcknowledged();
  }

  /** A stream that is only too slow gets the rest at its pace; for all else the waits double. */
  #refused(again: RecordBatch, batch: RecordBatch, code: string): void {
    const taken = batch.bytes - again.bytes;
    if (isThrottle(code)) this.#pace.refused(taken);
    if (!isThrottle(code) || taken === 0) {
      this.#failed(again);
      return;
    }
    this.#failures = 0;
    this.#again.push(again);
  }

  #failed(again: RecordBatch): void {
    const { retryBaseMs: baseMs, retryMaxMs: maxMs } = this.#sending;
    const { clock } = this.#context;
    const wait = backoffMs({ baseMs, maxMs }, this.#failures++, () => clock.random());
    this.#pausedUntil = clock.monotonic() + wait;
    this.#again.push(again);
  }

  #release(batch: RecordBatch): void {
    batch.clear();
    if (this.#free.length <= this.#sending.requestsInFlightMax) this.#free.push(batch);
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
