import { createHash } from 'node:crypto';
import type { Intake, Note } from '../../input/input.ts';
import { Refusal } from './refusal.ts';

/** Longest Idempotency-Key. */
const keyMax = 256;

/** A request with an Idempotency-Key that is to be stored. */
export interface Claim {
  note: Note;
  /** The same for the same request: its events have the same ids whenever they are stored. */
  identity: string;
  /** What became of it. */
  settle(stored: boolean): void;
}

/** Requests that were taken, by this process or an earlier one, so that one that comes again is not stored again. */
export class Repeats {
  readonly #intake: Intake;
  readonly #source: string;
  readonly #keepMs: number;
  readonly #ack: 'disk' | 'stream';
  /** Taken, and not yet where they are answered. */
  readonly #open = new Map<string, { digest: string; stored: Promise<boolean> }>();

  constructor(intake: Intake, source: string, keepMs: number, ack: 'disk' | 'stream') {
    this.#intake = intake;
    this.#source = source;
    this.#keepMs = keepMs;
    this.#ack = ack;
  }

  /**
   * Undefined: the request came before, and is where it is answered; waits while it is on its way there. Otherwise it is
   * the caller's to store it, or to say that it was not.
   * @throws Refusal 400 for a key that is none, 422 when it came with another request
   */
  async claim(client: string, key: string, tag: string, events: Buffer): Promise<Claim | undefined> {
    if (key === '' || key.length > keyMax)
      throw new Refusal(400, `Idempotency-Key: 1 to ${keyMax} characters`);
    const name = `http ${hash(`${this.#source}\0${client}\0${key}`)}`;
    const digest = createHash('sha256').update(`${tag}\0`).update(events).digest('base64url');
    for (let open = this.#open.get(name); open; open = this.#open.get(name)) {
      if (open.digest !== digest) throw otherRequest();
      if (await open.stored) return undefined;
    }
    const known = this.#intake.note(name);
    if (known !== undefined && known !== digest) throw otherRequest();
    if (known !== undefined) {
      // Its note is as old as its block in the outbox: an earlier process may not have sent that one.
      if (this.#ack === 'stream') await this.#intake.shipped();
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#open.set(name, { digest, stored: promise });
    const settle = (stored: boolean) => {
      this.#open.delete(name);
      resolve(stored);
    };
    return {
      note: { key: name, value: digest, keepMs: this.#keepMs },
      identity: `${name} ${digest}`,
      settle,
    };
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function otherRequest(): Refusal {
  return new Refusal(422, 'the Idempotency-Key came with another request before');
}
