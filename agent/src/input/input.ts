import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Listeners } from './listeners.ts';

/** A running `<source>` that takes events from elsewhere than files. */
export interface Input {
  /** Begins to take events. @throws MillraceError PORT_TAKEN and the like */
  start(): Promise<void>;
  /** Takes no more; resolves when everything taken has been answered. */
  stop(): Promise<void>;
  /** Resolves when nothing more can come, for inputs that come to an end; `run --once` waits for it. */
  readonly finished?: Promise<void>;
}

export interface InputContext {
  /** Of this source: its label holds for what is pushed. */
  intake: Intake;
  /** Sockets outlive a reload of the configuration. */
  listeners: Listeners;
  /** Host name of the agent. */
  host: string;
  /** What comes to an end is taken to its end once, and not waited for any more. */
  once: boolean;
  clock: Clock;
  telemetry: AgentTelemetry;
}

/** Where inputs put events. */
export interface Intake {
  /**
   * Takes a batch, all of it or nothing; resolves when it is on disk (or in the stream: `ack`). Batches of one origin keep their
   * order.
   * @throws MillraceError OUTBOX_FULL, at once, when there is no room: the sender is to wait or to be told so; later (as a
   *   rejection) when the agent stopped before the batch was where it was promised to be
   */
  push(batch: Batch): Promise<void>;
  /** True while `push` throws OUTBOX_FULL whatever it is given. */
  readonly full: boolean;
  /** Resolves when there is more room than now; to false when the agent stops and nothing is taken any more. */
  room(): Promise<boolean>;
  /** What a batch left under this key, in this or an earlier run; undefined when nothing did, or it has expired. */
  note(key: string): string | undefined;
  /** Resolves when the stream has everything that is on disk now. */
  shipped(): Promise<void>;
}

export interface Batch {
  tag: string;
  /** `log.file.path` of its events: what they came from, as in `syslog://10.0.0.7`. */
  origin: string;
  /** How documents are made of the records. */
  rule: Rule;
  /** Whole records, one after another. */
  bytes: Buffer;
  /** Lengths of the records; absent: each ends at its "\n". */
  lengths?: number[];
  /** disk: resolves after an fsync. stream: after the stream's acknowledgement. none: when gathered. */
  ack: 'disk' | 'stream' | 'none';
  /** Kept with the events, in one transaction: a chunk id that was taken, a cursor. Bytes count against the state. */
  notes?: Note[];
  /**
   * The same for the same events of the same sender, and of no others: stored again, after a crash between its blocks,
   * they have the ids that they had. Absent: they go on in the generation of their origin.
   */
  identity?: string;
}

export interface Note {
  key: string;
  value: string;
  /** Forgotten after this. */
  keepMs: number;
}
