import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { notesFolder, readBegun } from '../shard/block-note.ts';
import { commandLine } from './command-line.ts';

/** A shard's process that does not come back from a record. */
export interface Hanging {
  shard: string;
  pid: number;
  /** Sequence and sub-sequence number. */
  record: string;
  deaths: number;
}

const ending = '.note';
const awayMsMax = 5_000;

/**
 * Looks at the notes of the shards' processes: one that stands still in the middle of a record cannot say so
 * itself, answers no call, and takes no notice of its input's end.
 */
export class BlockWatch {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #msMax: number;
  readonly #watched: (pid: number) => boolean;
  #lookedMs = 0;
  /** What each shard was last seen at, and since when. */
  readonly #seen = new Map<string, { what: string; sinceMs: number }>();

  /** `msMax`: a piece of a record's work takes no longer. `watched`: the processes that are meant. */
  constructor(stateDir: string, clock: Clock, msMax: number, watched: (pid: number) => boolean = isShard) {
    this.#folder = notesFolder(stateDir);
    this.#clock = clock;
    this.#msMax = msMax;
    this.#watched = watched;
  }

  /** Processes that stood still for too long; to be called about every second. */
  hanging(): Hanging[] {
    const nowMs = this.#clock.monotonic();
    // Away for a while, in a machine that was paused: so were they.
    if (nowMs - this.#lookedMs > awayMsMax) this.#seen.clear();
    this.#lookedMs = nowMs;
    const found: Hanging[] = [];
    for (const shard of this.#shards()) {
      const begun = readBegun(join(this.#folder, `${shard}${ending}`));
      if (begun === undefined) {
        this.#seen.delete(shard);
        continue;
      }
      const what = `${begun.pid} ${begun.record} ${begun.step}`;
      const seen = this.#seen.get(shard);
      if (seen?.what !== what) this.#seen.set(shard, { what, sinceMs: nowMs });
      else if (nowMs - seen.sinceMs >= this.#msMax && this.#watched(begun.pid)) {
        const { pid, record, deaths } = begun;
        found.push({ shard, pid, record, deaths });
      }
    }
    return found;
  }

  /** Ends processes of an earlier run that still hang: nothing else would. */
  stopStale(): number[] {
    const stale = this.#shards()
      .map((shard) => readBegun(join(this.#folder, `${shard}${ending}`))?.pid)
      .filter((pid) => pid !== undefined && isShard(pid)) as number[];
    for (const pid of stale) stop(pid);
    return stale;
  }

  #shards(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith(ending))
        .map((name) => name.slice(0, -ending.length));
    } catch {
      return []; // no shard was processed yet
    }
  }
}

/** SIGKILL: a process that hangs hears no other signal. */
function stop(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

/** Pids are used again. */
function isShard(pid: number): boolean {
  return /consumer\S*child\.ts/.test(commandLine(pid));
}
