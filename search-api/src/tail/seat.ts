import { messageOf } from '@millrace/core/errors.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { Access } from '../access/access.ts';
import type { Events } from '../events.ts';
import type { TailQuery } from './tail-cursor.ts';
import type { Tails } from './tails.ts';
import type { Viewer } from './viewer.ts';
import { type WireMessage, wireMessage } from './wire-message.ts';

/** A viewer and its connection: the place is free again when either is gone. */
export class Seat {
  readonly #tails: Tails;
  readonly #viewer: Viewer;
  readonly #access: Access;
  readonly #query: TailQuery;
  readonly #telemetry: Telemetry<Events>;
  readonly #left = new AbortController();

  constructor(
    tails: Tails,
    viewer: Viewer,
    { access, query, telemetry }: { access: Access; query: TailQuery; telemetry: Telemetry<Events> },
  ) {
    this.#tails = tails;
    this.#viewer = viewer;
    this.#access = access;
    this.#query = query;
    this.#telemetry = telemetry;
  }

  get signal(): AbortSignal {
    return this.#left.signal;
  }

  leave(): void {
    if (this.#left.signal.aborted) return;
    this.#left.abort();
    this.#tails.release();
  }

  /** Resolves when one of both sides ends it; the next message is made when `send` is done with the one before. */
  async serve(send: (message: WireMessage) => Promise<void>): Promise<void> {
    const signal = AbortSignal.any([this.#left.signal, this.#tails.closed]);
    try {
      for await (const message of this.#viewer.messages(signal)) {
        if (message.type === 'skipped') {
          const { count, reason } = message.skip;
          this.#telemetry.emit('tail_skipped', { count, reason });
        }
        if (message.type === 'error')
          this.#telemetry.emit('tail_failed', { reason: messageOf(message.error) });
        await send(wireMessage(message, this.#access, this.#query));
        if (signal.aborted) return;
      }
    } catch (error) {
      // A connection that breaks in the middle of a message is one that closed.
      if (!this.#left.signal.aborted) this.#telemetry.emit('failed', { reason: messageOf(error) });
    } finally {
      this.leave();
    }
  }

  /** `{"pause":true}` or `{"pause":false}`; what else a client says is not for us. */
  obey(text: string): void {
    let said: unknown;
    try {
      said = JSON.parse(text);
    } catch {
      return;
    }
    const { pause } = (said ?? {}) as { pause?: unknown };
    if (typeof pause === 'boolean') this.#viewer.pause(pause);
  }
}
