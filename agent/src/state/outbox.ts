import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import { type GenerationRow, type OutboxRow, StateDatabase } from './database.ts';
import { type Region, SlotFile } from './slots.ts';

/** A block on its way: in a slot, and in memory while there is room. */
export interface OutboxBlock {
  seq: number;
  output: string;
  size: number;
  builtMs: number;
}

/** Why the positions of an opened store may be wrong (D3): new generations are minted where they prove nothing. */
export type Suspicion = 'none' | 'restored' | 'cloned';

export interface OutboxOptions {
  dir: string;
  /** Each has room of its own, so that a stream that is down does not take the others'. */
  outputs: { id: string; outboxBytes: number }[];
  /** Bytes of unsent blocks kept in memory beside their slots; also what may wait in memory while the disk is full. */
  memoryBytesMax: number;
  machineId: string;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** For faults that a real disk can't be made to show. */
  openSlots?: (path: string, size: number) => SlotFile;
}

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
  readonly #options: OutboxOptions;
  readonly #db: StateDatabase;
  readonly #slots: SlotFile;
  readonly #storeId: string;
  readonly #rows = new Map<number, OutboxRow>();
  readonly #regions = new Map<string, Region>();
  /** Acknowledged blocks whose rows the disk has not let go of: their slots must not be used before. */
  readonly #acknowledged = new Set<number>();
  readonly #bytes = new Map<number, Buffer>();
  #memoryBytes = 0;
  /** Blocks and positions that the disk has not taken; empty in good times. */
  readonly #unwritten = new Map<number, { bytes: Buffer; row: Omit<OutboxRow, 'at'> }>();
  readonly #unwrittenGenerations = new Map<string, GenerationRow>();
  #unwrittenBytes = 0;
  #seq: number;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#db = new StateDatabase(options.dir, options.clock);
    const openSlots = options.openSlots ?? ((path, size) => new SlotFile(path, size));
    let bytes = 0;
    for (const { id, outboxBytes } of options.outputs) {
      this.#regions.set(id, { from: bytes, to: bytes + outboxBytes });
      bytes += outboxBytes;
    }
    this.#slots = openSlots(join(options.dir, 'outbox.slots'), bytes);
    const known = this.#db.meta('store');
    this.fresh = known === undefined;
    this.#storeId = known ?? randomUUID();
    this.suspicion = this.#suspect(known);
    const agent = this.suspicion === 'cloned' ? undefined : this.#db.meta('agent');
    this.agentId = agent === undefined ? Buffer.from(options.clock.bytes(16)) : Buffer.from(agent, 'hex');
    this.#db.setMeta('store', this.#storeId);
    this.#db.setMeta('agent', this.agentId.toString('hex'));
    this.#db.setMeta('machine', options.machineId);
    for (const row of this.#db.outbox()) {
      this.#rows.set(row.seq, row);
      this.#slots.occupy(row.at, row.size);
    }
    this.#seq = Math.max(0, ...this.#rows.keys());
    this.#db.apply({});
    this.#slots.writeCommits(this.#storeId, this.#db.commits);
  }

  #suspect(known: string | undefined): Suspicion {
    if (known === undefined) return 'none';
    const machine = this.#db.meta('machine');
    if (machine !== undefined && machine !== this.#options.machineId) return 'cloned';
    const beside = this.#slots.readCommits(known);
    return beside === undefined || beside > this.#db.commits ? 'restored' : 'none';
  }

  /** Bytes that wait for an acknowledgement. */
  get pendingBytes(): number {
    return this.#slots.usedBytes + this.#unwrittenBytes;
  }

  get pendingBlocks(): number {
    return this.#rows.size - this.#acknowledged.size + this.#unwritten.size;
  }

  /** True while the disk refuses writes. */
  get degraded(): boolean {
    return this.#unwritten.size > 0 || this.#unwrittenGenerations.size > 0;
  }

  generations(): GenerationRow[] {
    return this.#db.generations();
  }

  /**
   * What an earlier run left, oldest first: blocks to send again, and rows whose slot does not hold what was written
   * (a power cut): their intervals are to be read again.
   */
  recover(): { blocks: OutboxBlock[]; torn: OutboxRow[] } {
    const blocks: OutboxBlock[] = [];
    const torn: OutboxRow[] = [];
    for (const row of this.#rows.values()) {
      if (blockId(this.#slots.read(row.at, row.size)) !== row.blockId) torn.push(row);
      else blocks.push({ seq: row.seq, output: row.output, size: row.size, builtMs: row.builtMs });
    }
    return { blocks, torn };
  }

  /**
   * Takes a block and the positions behind it. Undefined: no room, the caller stops reading and tries again.
   */
  put(
    output: string,
    bytes: Buffer,
    runs: OutboxRow['runs'],
    generations: GenerationRow[],
  ): OutboxBlock | undefined {
    const seq = this.#seq + 1;
    const builtMs = this.#options.clock.now();
    const row = { seq, output, size: bytes.length, blockId: blockId(bytes), builtMs, runs };
    if (this.degraded) {
      if (this.#unwrittenBytes + bytes.length > this.#options.memoryBytesMax) return undefined;
      this.#hold(row, bytes, generations);
    } else {
      try {
        const at = this.#slots.write(bytes, this.#regions.get(output));
        if (at === undefined) return undefined;
        this.#commit({ ...row, at }, generations);
        this.#remember(seq, bytes);
      } catch (error) {
        this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
        this.#hold(row, bytes, generations);
      }
    }
    this.#seq = seq;
    return { seq, output, size: bytes.length, builtMs };
  }

  /** The bytes of a block that is still pending. */
  read(seq: number): Buffer {
    const kept = this.#bytes.get(seq) ?? this.#unwritten.get(seq)?.bytes;
    if (kept) return kept;
    const row = this.#rows.get(seq);
    if (row === undefined) throw new RangeError(`no block ${seq} in the outbox`);
    return this.#slots.read(row.at, row.size);
  }

  /** The stream has these blocks: their slots are free. */
  acknowledge(seqs: number[]): void {
    for (const seq of seqs) {
      const held = this.#unwritten.get(seq);
      if (held) {
        this.#unwritten.delete(seq);
        this.#unwrittenBytes -= held.bytes.length;
      }
      this.#forget(seq);
      if (this.#rows.has(seq)) this.#acknowledged.add(seq);
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
      if (row) this.#slots.free(row.at);
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
      this.#freeAcknowledged();
      if (!this.degraded) return true;
      for (const [seq, held] of this.#unwritten) {
        const at = this.#slots.write(held.bytes, this.#regions.get(held.row.output));
        if (at === undefined) return false;
        this.#commit({ ...held.row, at }, []);
        this.#unwritten.delete(seq);
        this.#unwrittenBytes -= held.bytes.length;
      }
      this.#db.apply({ generations: [...this.#unwrittenGenerations.values()] });
      this.#unwrittenGenerations.clear();
      this.#options.telemetry.emit('state_writable');
      return true;
    } catch {
      return false; // state_unwritable has been said; the gauge says that it still is
    }
  }

  expire(ageMs: number): void {
    try {
      this.#db.expire(ageMs);
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  close(): void {
    this.#db.close();
    this.#slots.close();
  }

  #commit(row: OutboxRow, generations: GenerationRow[]): void {
    try {
      this.#db.apply({ block: row, generations });
    } catch (error) {
      this.#slots.free(row.at);
      throw error;
    }
    this.#rows.set(row.seq, row);
    this.#noteCommits();
  }

  /** The commit itself has succeeded: a number that lags behind only hides that a store was restored. */
  #noteCommits(): void {
    try {
      this.#slots.writeCommits(this.#storeId, this.#db.commits);
    } catch (error) {
      this.#options.telemetry.emit('state_unwritable', { error: messageOf(error) });
    }
  }

  #hold(row: Omit<OutboxRow, 'at'>, bytes: Buffer, generations: GenerationRow[]): void {
    this.#unwritten.set(row.seq, { bytes, row });
    this.#unwrittenBytes += bytes.length;
    for (const item of generations) this.#unwrittenGenerations.set(item.id.toString('hex'), item);
  }

  #remember(seq: number, bytes: Buffer): void {
    if (this.#memoryBytes + bytes.length > this.#options.memoryBytesMax) return;
    this.#bytes.set(seq, bytes);
    this.#memoryBytes += bytes.length;
  }

  #forget(seq: number): void {
    const bytes = this.#bytes.get(seq);
    if (bytes === undefined) return;
    this.#bytes.delete(seq);
    this.#memoryBytes -= bytes.length;
  }
}
