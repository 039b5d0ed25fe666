import { constants, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { ShardRecord } from './record.ts';

/** What a shard's process is at. */
export interface Begun {
  pid: number;
  /** Sequence and sub-sequence number of the record. */
  record: string;
  /** Goes up with each piece of work, of whatever record: standing still is hanging. */
  step: number;
  /** Processes that ended in the middle of this record before. */
  deaths: number;
}

/** As many processes may end in the middle of a record before it is not tried again. */
const deathsMax = 2;
/** The file: what is begun, padded; behind it the records that are not tried again. */
const begunBytes = 256;
const fileBytes = 4_096;
const condemnedMax = 32;

/** Where the notes of all shards of a worker lie. */
export function notesFolder(stateDir: string): string {
  return join(stateDir, 'shards');
}

/** A record, or a block by its name, of which nothing else is known. */
export type Noted = Pick<ShardRecord, 'sequence' | 'subSequence'>;

const nameOf = (record: Noted) => `${record.sequence}.${record.subSequence}`;

/**
 * Says in a file which record is being worked at, so that a record that takes its process along, by hanging or by
 * crashing it, is known to the next one. The file has its full size from the start and is overwritten in place: it
 * needs no room on a full disk, and a few microseconds a record.
 */
export class BlockNote {
  readonly #file: number;
  #kept = true;
  readonly #condemned: string[];
  readonly #suspect: Begun | undefined;
  #at: Begun | undefined;
  #step = 0;

  /** @throws MillraceError STATE_UNWRITABLE; a full disk is no reason to process nothing: see `kept` */
  constructor(stateDir: string, shard: string) {
    const folder = notesFolder(stateDir);
    try {
      mkdirSync(folder, { recursive: true });
      // Appending would ignore positions; this neither empties the file nor needs it to be there.
      this.#file = openSync(join(folder, `${shard}.note`), constants.O_RDWR | constants.O_CREAT);
      const { begun, condemned } = parse(readFrom(this.#file));
      this.#condemned = condemned;
      this.#suspect = begun && { ...begun, deaths: begun.deaths + 1 };
      if (this.#suspect && this.#suspect.deaths >= deathsMax) {
        this.#condemned = [...condemned, this.#suspect.record].slice(-condemnedMax);
      }
      const list = JSON.stringify(this.#condemned).padEnd(fileBytes - begunBytes - 1);
      this.#put(`${list}\n`, begunBytes);
      this.#write('');
    } catch (cause) {
      throw new MillraceError('STATE_UNWRITABLE', `${folder}: ${messageOf(cause)}`, { cause });
    }
  }

  /** False while there is no room for the file: a record that takes its process along is not told from others then. */
  get kept(): boolean {
    return this.#kept;
  }

  /** Whether processes ended in the middle of this record so often that it must not be tried again. */
  condemned(record: Noted): boolean {
    return this.#condemned.includes(nameOf(record));
  }

  /** Runs a piece of the record's work: one that does not come back is seen by the main process. */
  during<T>(record: Noted, work: () => T): T {
    const name = nameOf(record);
    const deaths = this.#suspect?.record === name ? this.#suspect.deaths : 0;
    this.#at = { pid: process.pid, record: name, step: this.#step++, deaths };
    this.#write(JSON.stringify(this.#at));
    try {
      return work();
    } finally {
      this.#at = undefined;
      this.#write('');
    }
  }

  /** A piece of what is being worked at is done. */
  step(): void {
    if (this.#at === undefined) return;
    this.#at.step = this.#step++;
    this.#write(JSON.stringify(this.#at));
  }

  #write(text: string): void {
    this.#put(`${text.padEnd(begunBytes - 1)}\n`, 0);
  }

  #put(text: string, at: number): void {
    try {
      this.#kept = writeSync(this.#file, text, at) === text.length;
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#kept = false;
    }
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException).code));
}

/** What the process of a note is at; undefined when it is at nothing, or was just writing. */
export function readBegun(file: string): Begun | undefined {
  try {
    return parse(readFileSync(file, 'latin1')).begun;
  } catch {
    return undefined; // between two looks it was renamed or removed by hand
  }
}

function readFrom(file: number): string {
  const buffer = Buffer.alloc(fileBytes);
  return buffer.toString('latin1', 0, readSync(file, buffer, 0, fileBytes, 0));
}

function parse(text: string): { begun: Begun | undefined; condemned: string[] } {
  const begun = json(text.slice(0, begunBytes)) as Partial<Begun> | undefined;
  const condemned = json(text.slice(begunBytes));
  const whole =
    typeof begun?.pid === 'number' &&
    typeof begun.record === 'string' &&
    typeof begun.step === 'number' &&
    typeof begun.deaths === 'number';
  return {
    begun: whole ? (begun as Begun) : undefined,
    condemned: Array.isArray(condemned) ? condemned.filter((name) => typeof name === 'string') : [],
  };
}

function json(text: string): unknown {
  try {
    return text.trim() === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined; // torn by a power cut
  }
}
