import { messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import { Deliveries } from '../operate/deliveries.ts';
import {
  type GenerationRow,
  type Note,
  type OutboxRow,
  type StateChange,
  StateDatabase,
} from './database.ts';
import { HeldWrites, type UnplacedRow } from './held.ts';
import { openHome } from './home.ts';
import { blockOf, lowestOffsets } from './outbox-block.ts';
import { reserveSlots } from './reserve.ts';
import { type Region, SlotFile } from './slots.ts';
import { StoreIdentity, type Suspicion } from './store-identity.ts';

/** A block on its way. */
export interface OutboxBlock {
  seq: number;
  output: string;
  size: number;
  builtMs: number;
  /** False: the disk refused it, and it waits in memory alone. */
  onDisk: boolean;
}

/** A block and what is committed with it. */
interface PutBlock {
  bytes: Buffer;
  runs: OutboxRow['runs'];
  positions: GenerationRow[];
}

export interface OutboxOptions {
  dir: string;
  /** Each has room of its own, so that a stream that is down does not take the others'. */
  outputs: { id: string; outboxBytes: number }[];
  /** Bytes of blocks that may wait in memory while the disk refuses them. */
  memoryBytesMax: number;
  machineId: string;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** For faults that a real disk can't be made to show. */
  openSlots?: (path: string, size: number) => SlotFile;
}

/** Chunk ids, Idempotency-Keys and cursors that are remembered; about 200 bytes of the state folder each. */
const notesMax = 1_000_000;
/** The disk promises this much before anything is read, and the rest beside the work. */
const promisedAtStart = 32 * 1024 * 1024;

/**
 * Positions and blocks together (D4): a block is in its slot, in one transaction with the read positions, before it
 * is first sent, and is re-sent from there byte for byte. While the disk refuses writes, blocks wait in memory and
 * nothing is committed: a crash then reads again what was sent (duplicates by block, none by event id), never less.
 */
export class Outbox {
  readonly deliveries = new Deliveries();
  readonly #options: OutboxOptions;
  /** In memory while there is no room on the disk to make one. */
  #db: StateDatabase;
  /** Undefined while there is no room on the disk to begin. */
  #slots: SlotFile | undefined;
  readonly #openSlots: (path: string) => SlotFile;
  readonly #identity: StoreIdentity;
  readonly #rows = new Map<number, OutboxRow>();
  readonly #regions = new Map<string, Region>();
  /** Acknowledged blocks whose rows the disk has not let go of: their slots must not be used before. */
  readonly #acknowledged = new Set<number>();
  readonly #held = new HeldWrites();
  /** Who waits for a block's acknowledgement. */
  readonly #waiting = new Map<number, (() => void)[]>();
  #seq = 0;
  /** The store knows whose it is; not while there was no room to write it. */
  #introduced = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const openSlots = options.openSlots ?? ((path, size) => new SlotFile(path, size));
    let bytes = 0;
    for (const { id, outboxBytes } of options.outputs) {
      this.#regions.set(id, { from: bytes, to: bytes + outboxBytes });
      bytes += outboxBytes;
    }
    this.#openSlots = (path) => openSlots(path, bytes);
    const home = openHome(options.dir, options.clock, options.telemetry, this.#openSlots);
    this.#db = home?.db ?? new StateDatabase(undefined, options.clock);
    this.#slots = home?.slots;
    this.#identity = new StoreIdentity(this.#db, this.#slots, options.machineId, options.clock);
    for (const row of this.#db.outbox()) {
      this.#rows.set(row.seq, row);
      this.#slots?.occupy(row.at, row.size);
      this.deliveries.came(row);
      this.#seq = Math.max(this.#seq, row.seq);
    }
    try {
      this.#introduce();
      while (this.#slots && this.#slots.unpromisedBytes > 0 && this.#slots.promisedBytes < promisedAtStart)
        this.#slots.promise();
    } catch (error) {
      options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  get #home(): SlotFile {
    if (this.#slots === undefined) throw new Error('no room for a store');
    return this.#slots;
  }

  get agentId(): Buffer {
    return this.#identity.agentId;
  }

  get suspicion(): Suspicion {
    return this.#identity.suspicion;
  }

  /** The store was made by this start. */
  get fresh(): boolean {
    return this.#identity.fresh;
  }

  /** Writes into the store whose it is. */
  #introduce(): void {
    this.#identity.introduce({ db: this.#db, slots: this.#slots });
    this.#introduced = true;
  }

  /** There was no room for a store at the start: is there now? @throws when there is none still */
  #settle(): void {
    if (this.#slots === undefined) {
      const { dir, clock, telemetry } = this.#options;
      const home = openHome(dir, clock, telemetry, this.#openSlots);
      if (home === undefined) throw new Error('no room for a store');
      const patterns = this.knownPatterns();
      this.#db.close();
      this.#db = home.db;
      this.#slots = home.slots;
      if (patterns) this.#db.setMeta('patterns', JSON.stringify(patterns));
    }
    if (!this.#introduced) this.#introduce();
  }

  /** Has the disk promise the outbox's space, until it has or `signal` is aborted. */
  reserve(signal: AbortSignal): Promise<void> {
    return reserveSlots(() => this.#slots, this.#options, signal);
  }

  /** Bytes that wait for an acknowledgement. */
  get pendingBytes(): number {
    return (this.#slots?.usedBytes ?? 0) + this.#held.bytes;
  }

  get pendingBlocks(): number {
    return this.#rows.size - this.#acknowledged.size + this.#held.blocks.size;
  }

  /** True while the disk refuses writes. */
  get degraded(): boolean {
    if (this.#slots === undefined || !this.#introduced) return true;
    return this.#held.size > 0;
  }

  generations(): GenerationRow[] {
    return this.#db.generations();
  }

  /** As it is committed. */
  generation(id: Buffer): GenerationRow | undefined {
    return this.#db.generation(id);
  }

  /**
   * What an earlier run left, oldest first: blocks to send again, and rows whose slot does not hold what was written
   * (a power cut): their intervals are to be read again.
   */
  recover(): { blocks: OutboxBlock[]; torn: OutboxRow[] } {
    const blocks: OutboxBlock[] = [];
    const torn: OutboxRow[] = [];
    for (const row of this.#rows.values()) {
      if (blockId(this.#home.read(row.at, row.size)) !== row.blockId) torn.push(row);
      else blocks.push(blockOf(row, true));
    }
    return { blocks, torn };
  }

  /**
   * Takes a block for each of `outputs`, and the positions behind it, in one transaction. Undefined: no room, the
   * caller stops reading and tries again. `durable`: on disk after this, whatever the machine does, unless a block says that it is
   * not.
   */
  put(
    outputs: string[],
    { bytes, runs, positions }: PutBlock,
    { notes = [], durable = false }: { notes?: Note[]; durable?: boolean } = {},
  ): OutboxBlock[] | undefined {
    const builtMs = this.#options.clock.now();
    const shared = { size: bytes.length, blockId: blockId(bytes), builtMs, runs };
    const rows = outputs.map((output, i) => ({ seq: this.#seq + 1 + i, output, ...shared }));
    const held = { rows, bytes, generations: positions, notes };
    let onDisk = false;
    if (this.degraded) {
      if (this.#held.bytes + bytes.length * rows.length > this.#options.memoryBytesMax) return undefined;
      this.#held.hold(held);
    } else {
      try {
        if (!this.#write(rows, bytes, { generations: positions, notes, durable })) return undefined;
        onDisk = true;
      } catch (error) {
        this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
        this.#held.hold(held);
      }
    }
    this.#seq += rows.length;
    for (const row of rows) this.deliveries.came(row);
    return rows.map(({ seq, output }) => ({ seq, output, size: bytes.length, builtMs, onDisk }));
  }

  /** An output's blocks that wait for an acknowledgement, oldest first. */
  blocksOf(output: string): OutboxBlock[] {
    const written = [...this.#rows.values()].filter(({ seq }) => !this.#acknowledged.has(seq));
    const held = [...this.#held.blocks.values()].map(({ row }) => row);
    return [...written.map((row) => blockOf(row, true)), ...held.map((row) => blockOf(row, false))]
      .filter((block) => block.output === output)
      .sort((a, b) => a.seq - b.seq);
  }

  /** By generation, the lowest offset that is in a block which waits for its acknowledgement. */
  unacknowledgedFrom(): Map<string, number> {
    const written = [...this.#rows.values()].filter(({ seq }) => !this.#acknowledged.has(seq));
    const held = [...this.#held.blocks.values()].map(({ row }) => row);
    return lowestOffsets([...written, ...held]);
  }

  /** The stream has not acknowledged it. */
  has(seq: number): boolean {
    return this.#held.blocks.has(seq) || (this.#rows.has(seq) && !this.#acknowledged.has(seq));
  }

  /** Resolves when the stream has the block. */
  whenAcknowledged(seq: number): Promise<void> {
    if (!this.has(seq)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.set(seq, [...(this.#waiting.get(seq) ?? []), resolve]);
    });
  }

  /** Resolves when the stream has every block that is pending now. */
  async whenAllAcknowledged(): Promise<void> {
    const pending = [...this.#rows.keys(), ...this.#held.blocks.keys()];
    await Promise.all(pending.map((seq) => this.whenAcknowledged(seq)));
  }

  /** What was kept under a key with the events that came with it. */
  note(key: string): string | undefined {
    return this.#held.note(key) ?? this.#db.note(key);
  }

  /** The bytes of a block that is still pending; they may lie in `into`, when it takes them. */
  read(seq: number, into?: Buffer): Buffer {
    const kept = this.#held.blocks.get(seq)?.bytes;
    if (kept) return kept;
    const row = this.#rows.get(seq);
    if (row === undefined) throw new RangeError(`no block ${seq} in the outbox`);
    return this.#home.read(row.at, row.size, into);
  }

  /** The stream has these blocks: their slots are free. */
  acknowledge(seqs: number[]): void {
    for (const seq of seqs) {
      const held = this.#held.blocks.get(seq);
      const row = held?.row ?? (this.#acknowledged.has(seq) ? undefined : this.#rows.get(seq));
      if (row) this.deliveries.acknowledged(row, this.#options.clock.now());
      this.#held.deleteBlock(seq);
      if (this.#rows.has(seq)) this.#acknowledged.add(seq);
      for (const resolve of this.#waiting.get(seq) ?? []) resolve();
      this.#waiting.delete(seq);
    }
    this.#attempt(() => this.#freeAcknowledged());
  }

  /** @throws when the disk refuses; a crash then sends the blocks once more: readers keep one of each block id */
  #freeAcknowledged(): void {
    if (this.#acknowledged.size === 0) return;
    this.#db.apply({ acknowledged: [...this.#acknowledged] });
    for (const seq of this.#acknowledged) {
      const row = this.#rows.get(seq);
      if (row) this.#home.free(row.at);
      this.#rows.delete(seq);
    }
    this.#acknowledged.clear();
  }

  /** Positions without a block: files that were recognised or minted. */
  save(generations: GenerationRow[]): void {
    const saved = !this.degraded && this.#attempt(() => this.#db.apply({ generations }));
    if (saved) this.#noteCommits();
    else this.#held.holdGenerations(generations);
  }

  /** While the disk refused writes: tries to write what waits in memory; true when nothing waits any more. */
  retryWrites(): boolean {
    try {
      this.#settle();
      this.#freeAcknowledged();
      if (!this.degraded) return true;
      for (const [seq, held] of this.#held.blocks) {
        if (!this.#write([held.row], held.bytes, {})) return false;
        this.#held.deleteBlock(seq);
      }
      this.#db.apply(this.#held.beside());
      if (this.#held.patterns) this.#db.setMeta('patterns', JSON.stringify(this.#held.patterns));
      this.#held.clearBeside();
      this.#options.telemetry.emit('state_writable');
      return true;
    } catch {
      return false; // state_unwritable has been said; the gauge says that it still is
    }
  }

  expireNotes(): void {
    this.#attempt(() => {
      const notes = this.#db.expireNotes(notesMax);
      if (notes > 0) this.#options.telemetry.emit('notes_forgotten', { notes });
    });
  }

  /** Patterns that were followed before; undefined when none were kept. */
  knownPatterns(): string[] | undefined {
    if (this.#held.patterns) return this.#held.patterns;
    const text = this.#db.meta('patterns');
    return text === undefined ? undefined : JSON.parse(text);
  }

  noteKnownPatterns(patterns: string[]): void {
    const written = this.#attempt(() => this.#db.setMeta('patterns', JSON.stringify(patterns)));
    this.#held.patterns = written ? undefined : patterns;
  }

  /** Forgets generations that were not met for `ageMs`; those in `met` were just now. */
  expire(ageMs: number, met: Buffer[]): void {
    this.#attempt(() => this.#db.expire(ageMs, met));
  }

  close(): void {
    this.#db.close();
    this.#slots?.close();
  }

  /** A slot for each row, then one transaction; false when there is no room for all. @throws when the disk refuses */
  #write(
    rows: UnplacedRow[],
    bytes: Buffer,
    change: Pick<StateChange, 'generations' | 'notes' | 'durable'>,
  ): boolean {
    const blocks: OutboxRow[] = [];
    try {
      for (const row of rows) {
        const at = this.#home.write(bytes, this.#regions.get(row.output));
        if (at === undefined) break;
        blocks.push({ ...row, at });
      }
      if (blocks.length < rows.length) {
        for (const block of blocks) this.#home.free(block.at);
        return false;
      }
      if (change.durable) this.#home.sync();
      this.#db.apply({ ...change, blocks });
    } catch (error) {
      for (const block of blocks) this.#home.free(block.at);
      throw error;
    }
    for (const block of blocks) this.#rows.set(block.seq, block);
    this.#noteCommits();
    return true;
  }

  /** What may fail without anything being lost. */
  #attempt(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
      return false;
    }
  }

  /** The commit itself has succeeded: a number that lags behind only hides that a store was restored. */
  #noteCommits(): void {
    const slots = this.#slots;
    if (slots) this.#attempt(() => this.#identity.noteCommits({ db: this.#db, slots }));
  }
}
