import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

/** One generation as it is remembered between runs: where reading stands, and what recognises it again (D3). */
export interface GenerationRow {
  id: Buffer;
  path: string;
  /** Hints: they lie across reboots, NFS and cloned images. */
  device: string;
  inode: string;
  birthMs: number;
  /** Everything before this offset is acknowledged or in the outbox. */
  position: number;
  /** Hash of the first `headSize` (<= 1 KiB) bytes that existed. */
  headSize: number;
  headHash: Buffer;
  /** Hash of the `tailSize` (<= 1 KiB) bytes before `position`. */
  tailSize: number;
  tailHash: Buffer;
  /** Content up to here was there when the file was first seen; its capture time is the file's mtime then. */
  oldUntil: number;
  oldMs: number;
  /** The record that ends at `position` was cut there: what follows goes on with it. */
  continues: boolean;
  /** What follows `position` is the rest of a record that is being dropped for its size. */
  dropping: boolean;
  /** Which of several sources that follow the same file reads it so; '' where there is one. */
  reader: string;
}

/** A block's place in the slot file and what it carries. */
export interface OutboxRow {
  seq: number;
  output: string;
  at: number;
  size: number;
  blockId: string;
  builtMs: number;
  /** For the day when the slot is unreadable: which intervals to name, or to read again. */
  runs: { generation: string; from: number; to: number }[];
}

/** What an input keeps with its events: a chunk id that was taken, a cursor. */
export interface Note {
  key: string;
  value: string;
  /** Forgotten after this. */
  keepMs: number;
}

/** A write of the state: a block and the read positions that go with it, in one transaction. */
export interface StateChange {
  blocks?: OutboxRow[];
  notes?: Note[];
  /** Returns only when the change is on the disk, whatever the machine does then. */
  durable?: boolean;
  generations?: GenerationRow[];
  acknowledged?: number[];
}

const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS generation (
  id BLOB PRIMARY KEY, path TEXT NOT NULL, device TEXT NOT NULL, inode TEXT NOT NULL, birth_ms REAL NOT NULL,
  position INTEGER NOT NULL, head_size INTEGER NOT NULL, head_hash BLOB NOT NULL,
  tail_size INTEGER NOT NULL, tail_hash BLOB NOT NULL, old_until INTEGER NOT NULL, old_ms REAL NOT NULL,
  seen_ms INTEGER NOT NULL, continues INTEGER NOT NULL DEFAULT 0, dropping INTEGER NOT NULL DEFAULT 0,
  reader TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value TEXT NOT NULL, until_ms INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS note_until ON note (until_ms);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY, output TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
  block_id TEXT NOT NULL, built_ms INTEGER NOT NULL, runs TEXT NOT NULL) STRICT;`;

const schemaVersion = '2';

/** What brings a store to the version after each key. */
const migrations: Readonly<Record<string, string>> = {
  1: `
ALTER TABLE generation ADD COLUMN continues INTEGER NOT NULL DEFAULT 0;
ALTER TABLE generation ADD COLUMN dropping INTEGER NOT NULL DEFAULT 0;
ALTER TABLE generation ADD COLUMN reader TEXT NOT NULL DEFAULT '';
UPDATE meta SET value = '2' WHERE key = 'schema';`,
};

/** Positions and outbox rows in SQLite. Synchronous: one transaction a block, about 0.1 ms. */
export class StateDatabase {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #statements: Record<
    'putGeneration' | 'putBlock' | 'putNote' | 'note' | 'ack' | 'setMeta',
    StatementSync
  >;
  /** Transactions since the store was made; the slot file has a copy, which shows an old copy of the store. */
  commits: number;

  /** @throws MillraceError STATE_LOCKED when another agent uses `dir`, STATE_UNWRITABLE when it cannot be opened */
  constructor(dir: string | undefined, clock: Clock) {
    this.#clock = clock;
    try {
      if (dir !== undefined) mkdirSync(dir, { recursive: true, mode: 0o750 });
      this.#db = new DatabaseSync(dir === undefined ? ':memory:' : join(dir, 'positions.db'));
      // Exclusive: the lock lasts as long as the process, so two agents never share one state.
      this.#db.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;',
      );
      this.#db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
      for (
        let step = migrations[this.meta('schema') ?? ''];
        step;
        step = migrations[this.meta('schema') ?? '']
      )
        this.#db.exec(`BEGIN IMMEDIATE; ${step} COMMIT;`);
    } catch (cause) {
      throw openError(dir ?? '', cause);
    }
    const version = this.meta('schema');
    if (version !== undefined && version !== schemaVersion) {
      throw new MillraceError('STATE_UNWRITABLE', `${dir}/positions.db has schema ${version}`, {
        hint: 'a newer agent wrote it: run that version, or give this one another state_dir',
      });
    }
    this.#statements = {
      putGeneration: this.#db.prepare(
        'INSERT OR REPLACE INTO generation VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)',
      ),
      putBlock: this.#db.prepare('INSERT INTO outbox VALUES (?,?,?,?,?,?,?)'),
      putNote: this.#db.prepare('INSERT OR REPLACE INTO note VALUES (?,?,?)'),
      note: this.#db.prepare('SELECT value FROM note WHERE key = ? AND until_ms >= ?'),
      ack: this.#db.prepare('DELETE FROM outbox WHERE seq = ?'),
      setMeta: this.#db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)'),
    };
    this.commits = Number(this.meta('commits') ?? 0);
    if (version === undefined) this.setMeta('schema', schemaVersion);
  }

  meta(key: string): string | undefined {
    const row = this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(key);
    return row === undefined ? undefined : String(row.value);
  }

  setMeta(key: string, value: string): void {
    this.#statements.setMeta.run(key, value);
  }

  /** All or nothing. @throws whatever SQLite throws (disk full, I/O error) with the state unchanged */
  apply(change: StateChange): void {
    // Only network inputs need the disk to have it: a file's bytes are still there to be read again.
    if (change.durable) this.#db.exec('PRAGMA synchronous = FULL');
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const row of change.generations ?? []) this.#putGeneration(row);
      for (const { key, value, keepMs } of change.notes ?? [])
        this.#statements.putNote.run(key, value, this.#clock.now() + keepMs);
      for (const { seq, output, at, size, blockId, builtMs, runs } of change.blocks ?? []) {
        this.#statements.putBlock.run(seq, output, at, size, blockId, builtMs, JSON.stringify(runs));
      }
      for (const seq of change.acknowledged ?? []) this.#statements.ack.run(seq);
      this.#statements.setMeta.run('commits', String(this.commits + 1));
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      if (change.durable) this.#db.exec('PRAGMA synchronous = NORMAL');
    }
    this.commits++;
  }

  /** The value kept under a key; undefined when there is none, or it has expired. */
  note(key: string): string | undefined {
    const row = this.#statements.note.get(key, this.#clock.now());
    return row === undefined ? undefined : String(row.value);
  }

  generations(): GenerationRow[] {
    return this.#db.prepare('SELECT * FROM generation').all().map(generationRow);
  }

  generation(id: Buffer): GenerationRow | undefined {
    const row = this.#db.prepare('SELECT * FROM generation WHERE id = ?').get(id);
    return row && generationRow(row);
  }

  outbox(): OutboxRow[] {
    const rows = this.#db.prepare('SELECT * FROM outbox ORDER BY seq').all();
    return rows.map((row) => ({
      seq: Number(row.seq),
      output: String(row.output),
      at: Number(row.at),
      size: Number(row.size),
      blockId: String(row.block_id),
      builtMs: Number(row.built_ms),
      runs: JSON.parse(String(row.runs)),
    }));
  }

  /** Forgets notes whose time is over, and beyond `max` those whose time is over next; how many of these. */
  expireNotes(max: number): number {
    this.#db.prepare('DELETE FROM note WHERE until_ms < ?').run(this.#clock.now());
    const row = this.#db.prepare('SELECT COUNT(*) AS count FROM note').get();
    const beyond = Number(row?.count ?? 0) - max;
    if (beyond <= 0) return 0;
    this.#db
      .prepare('DELETE FROM note WHERE rowid IN (SELECT rowid FROM note ORDER BY until_ms LIMIT ?)')
      .run(beyond);
    return beyond;
  }

  /** Forgets generations that no scan has met for `ageMs`. */
  expire(ageMs: number, met: Buffer[]): void {
    const limit = this.#clock.now() - ageMs;
    const seen = this.#db.prepare('UPDATE generation SET seen_ms = ? WHERE id = ?');
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const id of met) seen.run(this.#clock.now(), id);
      this.#db.prepare('DELETE FROM generation WHERE seen_ms < ?').run(limit);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }

  #putGeneration(row: GenerationRow): void {
    this.#statements.putGeneration.run(
      row.id,
      row.path,
      row.device,
      row.inode,
      row.birthMs,
      row.position,
      row.headSize,
      row.headHash,
      row.tailSize,
      row.tailHash,
      row.oldUntil,
      row.oldMs,
      this.#clock.now(),
      row.continues ? 1 : 0,
      row.dropping ? 1 : 0,
      row.reader,
    );
  }
}

function generationRow(row: Record<string, SQLOutputValue>): GenerationRow {
  return {
    id: Buffer.from(row.id as Uint8Array),
    path: String(row.path),
    device: String(row.device),
    inode: String(row.inode),
    birthMs: Number(row.birth_ms),
    position: Number(row.position),
    headSize: Number(row.head_size),
    headHash: Buffer.from(row.head_hash as Uint8Array),
    tailSize: Number(row.tail_size),
    tailHash: Buffer.from(row.tail_hash as Uint8Array),
    oldUntil: Number(row.old_until),
    oldMs: Number(row.old_ms),
    continues: row.continues === 1,
    dropping: row.dropping === 1,
    reader: String(row.reader),
  };
}

function openError(dir: string, cause: unknown): MillraceError {
  const message = messageOf(cause);
  if (/locked|busy/i.test(message)) {
    return new MillraceError('STATE_LOCKED', `state folder ${dir} is in use by another agent`, {
      hint: 'stop that agent, or give this one another state_dir',
      cause,
    });
  }
  return new MillraceError('STATE_UNWRITABLE', `position store ${dir}/positions.db: ${message}`, {
    hint: /malformed|not a database/i.test(message)
      ? 'move the file away: files are then shipped again from their start (duplicates, no loss)'
      : 'state_dir must be a writable folder on a local disk',
    cause,
  });
}
