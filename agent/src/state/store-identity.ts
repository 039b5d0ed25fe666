import { randomUUID } from 'node:crypto';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { StateDatabase } from './database.ts';
import type { Home } from './home.ts';
import type { SlotFile } from './slots.ts';

/** Why the positions of an opened store may be wrong (D3): new generations are minted where they prove nothing. */
export type Suspicion = 'none' | 'restored' | 'cloned';

/** Whose a store is, as its tables and the slot file beside it say. */
export class StoreIdentity {
  readonly agentId: Buffer;
  readonly suspicion: Suspicion;
  /** The store was made by this start. */
  readonly fresh: boolean;
  readonly #id: string;
  readonly #machineId: string;

  constructor(db: StateDatabase, slots: SlotFile | undefined, machineId: string, clock: Clock) {
    const known = db.meta('store');
    this.fresh = known === undefined;
    this.#id = known ?? randomUUID();
    this.#machineId = machineId;
    this.suspicion = known === undefined ? 'none' : suspicionOf(known, db, slots, machineId);
    const agent = this.suspicion === 'cloned' ? undefined : db.meta('agent');
    this.agentId = agent === undefined ? Buffer.from(clock.bytes(16)) : Buffer.from(agent, 'hex');
  }

  /** Writes into a store whose it is. @throws when the disk refuses */
  introduce({ db, slots }: { db: StateDatabase; slots: SlotFile | undefined }): void {
    db.setMeta('store', this.#id);
    db.setMeta('agent', this.agentId.toString('hex'));
    db.setMeta('machine', this.#machineId);
    db.apply({});
    if (slots) this.noteCommits({ db, slots });
  }

  /** Writes beside the blocks how far the store is. @throws when the disk refuses */
  noteCommits({ db, slots }: Home): void {
    slots.writeCommits(this.#id, db.commits);
  }
}

function suspicionOf(
  id: string,
  db: StateDatabase,
  slots: SlotFile | undefined,
  machineId: string,
): Suspicion {
  const machine = db.meta('machine');
  if (machine !== undefined && machine !== machineId) return 'cloned';
  const beside = slots?.readCommits(id);
  return beside === undefined || beside > db.commits ? 'restored' : 'none';
}
