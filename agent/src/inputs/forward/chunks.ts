import { createHash } from 'node:crypto';
import type { Intake, Note } from '../../input/input.ts';

/** What tells a chunk from others, and from another one of the same id. */
export interface ChunkKey {
  /** Of its note. */
  key: string;
  /** Of its tag and its events as they came, decompressed. */
  digest: string;
}

/** Chunks that were taken, by this process or an earlier one, so that one that comes again is not stored again. */
export class Chunks {
  readonly #intake: Intake;
  readonly #keepMs: number;
  readonly #ack: 'disk' | 'stream';
  /** Taken, and not yet where it is acknowledged. */
  readonly #open = new Map<string, { digest: string; stored: Promise<boolean> }>();

  constructor(intake: Intake, keepMs: number, ack: 'disk' | 'stream') {
    this.#intake = intake;
    this.#keepMs = keepMs;
    this.#ack = ack;
  }

  /** An id that comes with other events is no repetition: nothing is lost where senders count from 1 each. */
  keyOf(chunk: Buffer, tag: string, events: Buffer): ChunkKey {
    const key = createHash('sha256').update(chunk).digest('base64url');
    const digest = createHash('sha256').update(`${tag}\0`).update(events).digest('base64url');
    return { key: `forward ${key}`, digest };
  }

  noteOf({ key, digest }: ChunkKey): Note {
    return { key, value: digest, keepMs: this.#keepMs };
  }

  /**
   * Undefined for a chunk that did not come before: `begin` it at once. Else resolves, when it is where it is
   * acknowledged, to true; to false when it did not get there after all.
   * @throws MillraceError OUTBOX_FULL (as a rejection) when the agent stops first
   */
  find({ key, digest }: ChunkKey): Promise<boolean> | undefined {
    const open = this.#open.get(key);
    if (open?.digest === digest) return open.stored;
    if (this.#intake.note(key) !== digest) return undefined;
    // Its note is as old as its block in the outbox: another process may not have sent that one.
    return this.#ack === 'stream' ? this.#intake.shipped().then(() => true) : Promise.resolve(true);
  }

  /** Says that a chunk is on its way; the function that is returned says what became of it. */
  begin({ key, digest }: ChunkKey): (stored: boolean) => void {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const open = { digest, stored: promise };
    this.#open.set(key, open);
    return (stored) => {
      if (this.#open.get(key) === open) this.#open.delete(key);
      resolve(stored);
    };
  }
}
