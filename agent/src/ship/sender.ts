import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { KinesisOutput } from '../config/pipeline.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Outbox, OutboxBlock } from '../state/outbox.ts';
import type { StreamClient } from './stream-client.ts';

/** Delivers one output's blocks from the outbox, in its own form, and acknowledges each when it is delivered. */
export interface Sender {
  /** Takes a block that is in the outbox. `more`: others follow at once, so that a request may wait for them. */
  add(block: OutboxBlock, more?: boolean): void;
  /** Blocks that are not delivered. */
  readonly unacknowledged: number;
  /** Bytes a second that the service takes, learned from its refusals; undefined: no limit is known. */
  readonly rate?: number | undefined;
  /** Tries in a row that have failed; absent where failing is not told. */
  readonly failures?: number;
  /** Runs until `stop`. */
  run(): Promise<void>;
  /** Ends `run` after the calls in flight. */
  stop(): void;
}

export interface SenderContext {
  outbox: Outbox;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** To be called behind each Outbox.acknowledge: there is room. */
  onAcknowledged(): void;
  createClient(output: KinesisOutput): StreamClient;
}
