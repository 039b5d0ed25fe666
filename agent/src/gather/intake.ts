import { createHash } from 'node:crypto';
import { MillraceError } from '@millrace/core/errors.ts';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Batch, Intake } from '../input/input.ts';
import type { Governor } from '../operate/governor.ts';
import type { Outbox } from '../state/outbox.ts';
import { type Cut, lengthsUntil } from '../tail/framing.ts';
import type { BlockBuilder } from './builder.ts';
import type { Ending, Lane } from './lane.ts';
import type { Lanes, Way } from './lanes.ts';

/** Bytes that wait for a builder; more is refused. A batch alone may be longer. */
const queueBytesMax = 16 * 1024 * 1024;
/** What a batch takes beside its bytes while it waits. */
const entryBytes = 512;
const noteExpiryMs = 60_000;
/** Origins whose streams of bytes are remembered; one that comes back later begins another generation. */
const originsMax = 10_000;
const nothing = Buffer.alloc(0);
/** Unrouted tags that are named in the log. */
const unroutedMax = 100;

/** The bytes of one origin, tag and way: a generation of its own, which ends with the process. */
interface Origin {
  generation: Buffer;
  position: number;
}

/** A batch on one of its ways. */
interface Entry {
  way: Way;
  /** Its bytes are let go of when they are in blocks: what waits for the stream's acknowledgement is not kept twice. */
  batch: Batch;
  size: number;
  origin: string;
  /** May be committed in parts: a crash between them lets it come again. */
  inParts: boolean;
  /** Bytes of the batch that are in blocks. */
  done: number;
  /** The last record was cut at the size limit. */
  continues: boolean;
  /** Blocks that hold parts of it and are not where they should be. */
  open: number;
  ending: Ending;
  settle(error?: Error): void;
}

/** Gathers pushed events into blocks, and answers when these are where the sender was promised they would be. */
export class PushGatherer {
  readonly #lanes: Lanes;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  /** What waits for a builder; batches of one lane keep their order. */
  readonly #queues = new Map<Lane, Entry[]>();
  readonly #origins = new Map<string, Origin>();
  /** Tags that no `<match>` takes. */
  readonly #unrouted = new Set<string>();
  readonly #telemetry: AgentTelemetry;
  readonly #countUnrouted: (bytes: number) => void;
  /** Entries that nobody was told of. */
  readonly #unsettled = new Set<Entry>();
  /** Who waits for the stream to have what an earlier run took. */
  readonly #awaitingStream = new Set<(error: Error) => void>();
  #waitingForRoom: (() => void)[] = [];
  readonly #governor: Pick<Governor, 'memoryHeld'> | undefined;
  #queueBytes = 0;
  #nextExpiry = 0;
  #wake = new AbortController();
  #stopped = false;

  constructor(
    lanes: Lanes,
    outbox: Outbox,
    clock: Clock,
    telemetry: AgentTelemetry,
    governor?: Pick<Governor, 'memoryHeld'>,
  ) {
    this.#governor = governor;
    this.#telemetry = telemetry;
    this.#countUnrouted = telemetry.counter(
      'unrouted_bytes_total',
      'Bytes of pushed events whose tag no <match> takes.',
    );
    this.#lanes = lanes;
    this.#outbox = outbox;
    this.#clock = clock;
  }

  /** The intake of one source. */
  intakeOf(source: { id: string; label: string }): Intake {
    const gatherer = this;
    return {
      push: (batch) => this.#push(source, batch),
      get full() {
        return gatherer.#queueBytes >= queueBytesMax || gatherer.#memoryHeld();
      },
      async room() {
        if (!gatherer.#stopped && (gatherer.#queueBytes > 0 || gatherer.#memoryHeld()))
          await new Promise<void>((resolve) => gatherer.#waitingForRoom.push(resolve));
        return !gatherer.#stopped;
      },
      note: (key) => this.#outbox.note(key),
      shipped: () => this.#shipped(),
    };
  }

  /** Memory is under its limit again. */
  memoryReleased(): void {
    this.#wakeWaiting();
  }

  /** Bytes that wait for a block. */
  get queuedBytes(): number {
    return this.#queueBytes;
  }

  nudge(): void {
    this.#wake.abort();
  }

  /** Runs until `stop`, and then until everything taken is in a lane. */
  async run(): Promise<void> {
    while (true) {
      this.#fill();
      this.#expireNotes();
      for (const lane of this.#lanes.all()) if (this.#stopped || lane.dueInMs() <= 0) lane.flush();
      if (this.#stopped && this.#queues.size === 0 && this.#lanes.all().every((lane) => lane.flush())) return;
      const wait = Math.min(...this.#lanes.all().map((lane) => lane.dueInMs()));
      if (wait <= 0) continue;
      await this.#clock.sleep(Math.min(wait, 60_000), this.#wake.signal);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
  }

  /** Takes no more, and ends `run` when everything taken is in a lane. */
  stop(): void {
    this.#stopped = true;
    this.#wakeWaiting();
    this.nudge();
  }

  /** Past the drain deadline: whoever still waits is told that it was not taken. */
  abandon(): void {
    this.stop();
    for (const entry of this.#unsettled) entry.settle(stopping());
    for (const giveUp of this.#awaitingStream) giveUp(stopping());
  }

  #push(source: { id: string; label: string }, batch: Batch): Promise<void> {
    if (this.#stopped) throw stopping();
    if (this.#memoryHeld())
      throw new MillraceError('OUTBOX_FULL', 'memory_limit is exceeded', { hint: 'send it again later' });
    const ways = this.#lanes.waysOf(
      { ...source, id: `${source.id}\0${ruleText(batch.rule)}` },
      batch.tag,
      batch.rule,
    );
    const size = (batch.bytes.length + entryBytes) * ways.length;
    if (this.#queueBytes > 0 && this.#queueBytes + size > queueBytesMax)
      throw new MillraceError('OUTBOX_FULL', `more than ${queueBytesMax} bytes wait to be stored`, {
        hint: 'send it again later; if it stays so, the stream does not keep up: outbox_size and shards',
      });
    if (batch.bytes.length === 0) return Promise.resolve();
    if (ways.length === 0) this.#reportUnrouted(batch.tag, batch.bytes.length);
    const ending: Ending = { notes: batch.notes ?? [], waysLeft: ways.length };
    // What is all in one block is there as a whole or not at all.
    const inParts = ways.length > 1 || ways.some(({ edge }) => edge) || batch.bytes.length > payloadBytesMax;
    const identity = inParts ? batch.identity : undefined;
    const all = ways.map((way, i) => {
      const origin = `${source.id}\0${i}\0${batch.tag}\0${identity ?? batch.origin}`;
      const entry = { way, batch, size: batch.bytes.length, origin, inParts, ending };
      return this.#enqueue({ ...entry, done: 0, continues: false, open: 0 });
    });
    this.#queueBytes += size;
    this.nudge();
    return allOf(all);
  }

  /** @throws MillraceError OUTBOX_FULL when the agent stopped first */
  #shipped(): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: Error) => {
        this.#awaitingStream.delete(giveUp);
        reject(error);
      };
      this.#awaitingStream.add(giveUp);
      void this.#outbox.whenAllAcknowledged().then(() => {
        this.#awaitingStream.delete(giveUp);
        resolve();
      });
    });
  }

  #memoryHeld(): boolean {
    return this.#governor?.memoryHeld ?? false;
  }

  #enqueue(waiting: Omit<Entry, 'settle'>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry: Entry = {
      ...waiting,
      settle: (error) => {
        this.#unsettled.delete(entry);
        if (error) reject(error);
        else resolve();
      },
    };
    this.#unsettled.add(entry);
    const { lane } = entry.way;
    const queue = this.#queues.get(lane);
    if (queue) queue.push(entry);
    else this.#queues.set(lane, [entry]);
    return promise;
  }

  #wakeWaiting(): void {
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  #expireNotes(): void {
    if (this.#clock.monotonic() < this.#nextExpiry) return;
    this.#nextExpiry = this.#clock.monotonic() + noteExpiryMs;
    this.#outbox.expireNotes();
  }

  /** Counted each time, said once for a tag. */
  #reportUnrouted(tag: string, bytes: number): void {
    this.#countUnrouted(bytes);
    if (this.#unrouted.size >= unroutedMax || this.#unrouted.has(tag)) return;
    this.#unrouted.add(tag);
    this.#telemetry.emit('tag_unrouted', { tag });
  }

  /** Moves what waits into blocks. */
  #fill(): void {
    const before = this.#queueBytes;
    for (const [lane, queue] of this.#queues) {
      let gathered = 0;
      for (const entry of queue) {
        if (!this.#gather(entry)) break;
        gathered++;
        this.#queueBytes -= entryBytes;
      }
      if (gathered === queue.length) this.#queues.delete(lane);
      else if (gathered > 0) queue.splice(0, gathered);
    }
    if (this.#queueBytes < before) this.#wakeWaiting();
  }

  /** True when all of the entry is in blocks. */
  #gather(entry: Entry): boolean {
    const { lane } = entry.way;
    while (entry.done < entry.size) {
      const { builder } = lane;
      if (builder === undefined) return false;
      const taken = this.#add(entry, builder);
      entry.done += taken;
      this.#queueBytes -= taken;
      if (taken === 0 && !lane.flush(true)) return false;
    }
    const { lengths: _, ...rest } = entry.batch;
    entry.batch = { ...rest, bytes: nothing };
    return true;
  }

  #add(entry: Entry, builder: BlockBuilder): number {
    const { way, batch, done } = entry;
    const origin = this.#originOf(entry);
    const rest = batch.bytes.subarray(done);
    // What is to be there once is there with its notes or not at all, if a block can hold it.
    const together = entry.ending.notes.length > 0 && done === 0 && rest.length <= payloadBytesMax;
    if (together && rest.length > builder.room && !builder.empty) return 0;
    const cut = cutBatch(rest, lengthsFrom(batch.lengths, done), builder.room);
    if (cut.size === 0) return 0;
    rest.copy(builder.free(), 0, 0, cut.size);
    const capturedMs = this.#clock.now();
    const path = batch.origin;
    const taken = builder.free().subarray(0, cut.size);
    const whence = { capturedMs, path, continues: entry.continues, continued: cut.continued };
    const judged = way.edge?.apply(taken, cut.lengths, origin.position, whence, builder.room);
    const size = judged?.consumed ?? cut.size;
    if (size === 0) return 0;
    const lengths = cut.lengths ? { lengths: lengthsUntil(cut.lengths, size) } : {};
    const continued = cut.continued && size === cut.size;
    const { generation, position: from } = origin;
    const { continues } = entry;
    const run = { generation, path, tag: batch.tag, rule: way.rule, from, capturedMs, continues };
    builder.add(run, { size, continued, ...lengths }, undefined, judged?.shipped);
    entry.continues = continued;
    origin.position += size;
    this.#watch(entry, done + size === entry.size);
    return size;
  }

  #watch(entry: Entry, last: boolean): void {
    const { settle } = entry;
    const { ack } = entry.batch;
    entry.open++;
    if (last && ack === 'none') settle();
    const settled = () => {
      entry.open--;
      if (entry.open === 0 && entry.done === entry.size) settle();
    };
    entry.way.lane.attach({
      // With the last part: a batch that is there in part only is to be sent again.
      ending: last ? entry.ending : undefined,
      durable: ack === 'disk',
      watcher: {
        committed: (blocks) => {
          // What the disk refused is safe only in the stream.
          if (ack === 'disk' && blocks.every((block) => block.onDisk)) settled();
          else Promise.all(blocks.map(({ seq }) => this.#outbox.whenAcknowledged(seq))).then(settled, settle);
        },
        abandoned: () => settle(stopping()),
      },
    });
  }

  #originOf({ origin: key, batch, inParts, done }: Entry): Origin {
    if (inParts && batch.identity !== undefined)
      return { generation: createHash('sha256').update(key).digest().subarray(0, 16), position: done };
    let origin = this.#origins.get(key);
    if (origin) this.#origins.delete(key);
    else origin = { generation: mintGeneration(this.#clock), position: 0 };
    this.#origins.set(key, origin);
    const [oldest] = this.#origins.keys();
    if (this.#origins.size > originsMax && oldest !== undefined) this.#origins.delete(oldest);
    return origin;
  }
}

/** On its own: a closure made in `push` would keep the batch. */
async function allOf(promises: Promise<void>[]): Promise<void> {
  await Promise.all(promises);
}

function stopping(): MillraceError {
  return new MillraceError('OUTBOX_FULL', 'the agent is stopping');
}

/** What of a batch's rest fits the room: whole records, or a piece of one that fits no block. */
function cutBatch(rest: Buffer, lengths: number[] | undefined, room: number): Cut {
  if (room <= 0) return { size: 0, continued: false };
  const size = lengths ? sumWithin(lengths, room) : linesWithin(rest, room);
  if (size > 0)
    return { size, continued: false, ...(lengths ? { lengths: lengthsUntil(lengths, size) } : {}) };
  if (room < payloadBytesMax) return { size: 0, continued: false };
  return { size: room, continued: true, ...(lengths ? { lengths: [room] } : {}) };
}

function linesWithin(bytes: Buffer, room: number): number {
  return bytes.length <= room ? bytes.length : bytes.lastIndexOf(0x0a, room - 1) + 1;
}

function sumWithin(lengths: number[], room: number): number {
  let sum = 0;
  for (const length of lengths) {
    if (sum + length > room) break;
    sum += length;
  }
  return sum;
}

/** The lengths of what follows the first `done` bytes; a record that was cut there has the rest of its own. */
function lengthsFrom(lengths: number[] | undefined, done: number): number[] | undefined {
  if (lengths === undefined || done === 0) return lengths;
  let end = 0;
  const rest: number[] = [];
  for (const length of lengths) {
    end += length;
    if (end > done) rest.push(Math.min(length, end - done));
  }
  return rest;
}
