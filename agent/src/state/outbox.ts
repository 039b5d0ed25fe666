import { randomUUID } from 'node:crypto';
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
import { openHome } from './home.ts';
import { type Region, SlotFile } from './slots.ts';

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

/** Why the positions of an opened store may be wrong (D3): new generations are minted where they prove nothing. */
export type Suspicion = 'none' | 'restored' | 'cloned';

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

/** The disk promises this much before anything is read, and the rest beside the work. */
const promisedAtStart = 32 * 1024 * 1024;
/** Between two steps (1 MiB) of the rest. */
const promiseMs = 10;
const promiseAgainMs = 60_000;

/**
 * Positions and blocks together (D4): a block is in its slot, in one transaction with the read positions, before it
 * is first sent, and is re-sent from there byte for byte. While the disk refuses writes, blocks wait in memory and
 * nothing is committed: a crash then reads again what was sent (duplicates by block, none by event id), never less.
 */
export class Outbox {
  readonly agentId: Buffer;
  readonly suspicion: Suspicion;
  /** The store was made by this start. */
  readonly fresh: boolean;
  readonly deliveries = new Deliveries();
  readonly #options: OutboxOptions;
  /** In memory while there is no room on the disk to make one. */
  #db: StateDatabase;
  /** Undefined while there is no room on the disk to begin. */
  #slots: SlotFile | undefined;
  readonly #openSlots: (path: string) => SlotFile;
  readonly #storeId: string;
  readonly #rows = new Map<number, OutboxRow>();
  readonly #regions = new Map<string, Region>();
  /** Acknowledged blocks whose rows the disk has not let go of: their slots must not be used before. */
  readonly #acknowledged = new Set<number>();
  /** Blocks and positions that the disk has not taken; empty in good times. */
  readonly #unwritten = new Map<number, { bytes: Buffer; row: Omit<OutboxRow, 'at'> }>();
  readonly #unwrittenGenerations = new Map<string, GenerationRow>();
  readonly #unwrittenNotes = new Map<string, Note>();
  #unwrittenBytes = 0;
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
    const known = this.#db.meta('store');
    this.fresh = known === undefined;
    this.#storeId = known ?? randomUUID();
    this.suspicion = this.#suspect(known);
    const agent = this.suspicion === 'cloned' ? undefined : this.#db.meta('agent');
    this.agentId = agent === undefined ? Buffer.from(options.clock.bytes(16)) : Buffer.from(agent, 'hex');
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

  /** Writes into the store whose it is. */
  #introduce(): void {
    this.#db.setMeta('store', this.#storeId);
    this.#db.setMeta('agent', this.agentId.toString('hex'));
    this.#db.setMeta('machine', this.#options.machineId);
    this.#db.apply({});
    this.#slots?.writeCommits(this.#storeId, this.#db.commits);
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

  /**
   * Has the disk promise the outbox's space, step by step, until it has or `signal` is aborted. Full, it is asked again
   * later: until then blocks are written as long as there is room.
   */
  async reserve(signal: AbortSignal): Promise<void> {
    const { clock, telemetry } = this.#options;
    let told = false;
    while (!signal.aborted && this.#slots?.unpromisedBytes !== 0) {
      try {
        this.#slots?.promise();
        await clock.sleep(this.#slots ? promiseMs : promiseAgainMs, signal);
      } catch (error) {
        const bytes = this.#slots?.unpromisedBytes ?? 0;
        if (!told) telemetry.emit('outbox_unreserved', { bytes, error: messageOf(error) });
        told = true;
        await clock.sleep(promiseAgainMs, signal);
      }
    }
  }

  #suspect(known: string | undefined): Suspicion {
    if (known === undefined) return 'none';
    const machine = this.#db.meta('machine');
    if (machine !== undefined && machine !== this.#options.machineId) return 'cloned';
    const beside = this.#slots?.readCommits(known);
    return beside === undefined || beside > this.#db.commits ? 'restored' : 'none';
  }

  /** Bytes that wait for an acknowledgement. */
  get pendingBytes(): number {
    return (this.#slots?.usedBytes ?? 0) + this.#unwrittenBytes;
  }

  get pendingBlocks(): number {
    return this.#rows.size - this.#acknowledged.size + this.#unwritten.size;
  }

  /** True while the disk refuses writes. */
  get degraded(): boolean {
    if (this.#slots === undefined || !this.#introduced) return true;
    return this.#unwritten.size + this.#unwrittenGenerations.size + this.#unwrittenNotes.size > 0;
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
      else
        blocks.push({ seq: row.seq, output: row.output, size: row.size, builtMs: row.builtMs, onDisk: true });
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
      if (this.#unwrittenBytes + bytes.length * rows.length > this.#options.memoryBytesMax) return undefined;
      this.#hold(held);
    } else {
      try {
        if (!this.#write(rows, bytes, { generations: positions, notes, durable })) return undefined;
        onDisk = true;
      } catch (error) {
        this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
        this.#hold(held);
      }
    }
    this.#seq += rows.length;
    for (const row of rows) this.deliveries.came(row);
    return rows.map(({ seq, output }) => ({ seq, output, size: bytes.length, builtMs, onDisk }));
  }

  /** An output's blocks that wait for an acknowledgement, oldest first. */
  blocksOf(output: string): OutboxBlock[] {
    const written = [...this.#rows.values()].filter(({ seq }) => !this.#acknowledged.has(seq));
    const held = [...this.#unwritten.values()].map(({ row }) => row);
    const block = (onDisk: boolean) => (row: Omit<OutboxRow, 'at'>) => {
      const { seq, size, builtMs } = row;
      return { seq, output, size, builtMs, onDisk };
    };
    return [
      ...written.filter((row) => row.output === output).map(block(true)),
      ...held.filter((row) => row.output === output).map(block(false)),
    ].sort((a, b) => a.seq - b.seq);
  }

  /** By generation, the lowest offset that is in a block which waits for its acknowledgement. */
  unacknowledgedFrom(): Map<string, number> {
    const lowest = new Map<string, number>();
    for (const [seq, { runs }] of [
      ...this.#rows,
      ...[...this.#unwritten].map(([seq, { row }]) => [seq, row] as const),
    ]) {
      if (this.#acknowledged.has(seq)) continue;
      for (const { generation, from } of runs)
        lowest.set(generation, Math.min(from, lowest.get(generation) ?? from));
    }
    return lowest;
  }

  /** The stream has not acknowledged it. */
  has(seq: number): boolean {
    return this.#unwritten.has(seq) || (this.#rows.has(seq) && !this.#acknowledged.has(seq));
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
    const pending = [...this.#rows.keys(), ...this.#unwritten.keys()];
    await Promise.all(pending.map((seq) => this.whenAcknowledged(seq)));
  }

  /** What was kept under a key with the events that came with it. */
  note(key: string): string | undefined {
    return this.#unwrittenNotes.get(key)?.value ?? this.#db.note(key);
  }

  /** The bytes of a block that is still pending; they may lie in `into`, when it takes them. */
  read(seq: number, into?: Buffer): Buffer {
    const kept = this.#unwritten.get(seq)?.bytes;
    if (kept) return kept;
    const row = this.#rows.get(seq);
    if (row === undefined) throw new RangeError(`no block ${seq} in the outbox`);
    return this.#home.read(row.at, row.size, into);
  }

  /** The stream has these blocks: their slots are free. */
  acknowledge(seqs: number[]): void {
    for (const seq of seqs) {
      const held = this.#unwritten.get(seq);
      const row = held?.row ?? (this.#acknowledged.has(seq) ? undefined : this.#rows.get(seq));
      if (row) this.deliveries.acknowledged(row, this.#options.clock.now());
      if (held) {
        this.#unwritten.delete(seq);
        this.#unwrittenBytes -= held.bytes.length;
      }
      if (this.#rows.has(seq)) this.#acknowledged.add(seq);
      for (const resolve of this.#waiting.get(seq) ?? []) resolve();
      this.#waiting.delete(seq);
    }
    try {
      this.#freeAcknowledged();
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
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
    if (this.degraded) {
      for (const row of generations) this.#unwrittenGenerations.set(row.id.toString('hex'), row);
      return;
    }
    try {
      this.#db.apply({ generations });
      this.#noteCommits();
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
      for (const row of generations) this.#unwrittenGenerations.set(row.id.toString('hex'), row);
    }
  }

  /** While the disk refused writes: tries to write what waits in memory; true when nothing waits any more. */
  retryWrites(): boolean {
    try {
      this.#settle();
      this.#freeAcknowledged();
      if (!this.degraded) return true;
      for (const [seq, held] of this.#unwritten) {
        if (!this.#write([held.row], held.bytes, {})) return false;
        this.#unwritten.delete(seq);
        this.#unwrittenBytes -= held.bytes.length;
      }
      const notes = [...this.#unwrittenNotes.values()];
      this.#db.apply({ generations: [...this.#unwrittenGenerations.values()], notes });
      this.#unwrittenGenerations.clear();
      this.#unwrittenNotes.clear();
      this.#options.telemetry.emit('state_writable');
      return true;
    } catch {
      return false; // state_unwritable has been said; the gauge says that it still is
    }
  }

  expireNotes(): void {
    try {
      this.#db.expireNotes();
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  /** Patterns that were followed before; undefined when none were kept. */
  knownPatterns(): string[] | undefined {
    const text = this.#db.meta('patterns');
    return text === undefined ? undefined : JSON.parse(text);
  }

  noteKnownPatterns(patterns: string[]): void {
    try {
      this.#db.setMeta('patterns', JSON.stringify(patterns));
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  /** Forgets generations that were not met for `ageMs`; those in `met` were just now. */
  expire(ageMs: number, met: Buffer[]): void {
    try {
      this.#db.expire(ageMs, met);
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  close(): void {
    this.#db.close();
    this.#slots?.close();
  }

  /** A slot for each row, then one transaction; false when there is no room for all. @throws when the disk refuses */
  #write(
    rows: Omit<OutboxRow, 'at'>[],
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

  /** The commit itself has succeeded: a number that lags behind only hides that a store was restored. */
  #noteCommits(): void {
    try {
      this.#slots?.writeCommits(this.#storeId, this.#db.commits);
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  #hold(held: {
    rows: Omit<OutboxRow, 'at'>[];
    bytes: Buffer;
    generations: GenerationRow[];
    notes: Note[];
  }): void {
    // The caller uses its memory again.
    const bytes = Buffer.from(held.bytes);
    for (const row of held.rows) {
      this.#unwritten.set(row.seq, { bytes, row });
      this.#unwrittenBytes += held.bytes.length;
    }
    for (const item of held.generations) this.#unwrittenGenerations.set(item.id.toString('hex'), item);
    for (const note of held.notes) this.#unwrittenNotes.set(note.key, note);
  }
}
