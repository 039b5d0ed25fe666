import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ConsumerTelemetry } from '../events.ts';
import { archive } from './archive.ts';
import { corrections } from './corrections.ts';
import { fill } from './fill.ts';
import { ledger } from './ledger.ts';
import { replay } from './replay.ts';
import { retention } from './retention.ts';
import { setAside } from './set-aside.ts';

/** What a command gets from the outside world; nothing below main.ts looks for it elsewhere. */
export interface CommandContext {
  config: ConsumerConfig;
  clock: Clock;
  /** Writes to stdout, and resolves when it has room for more. Rejects when its reader went away. */
  stdout(data: string | Uint8Array): Promise<void>;
  stderr(text: string): void;
  /** True when stderr is a terminal, where progress may be redrawn. */
  tty: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
  log: Logger;
  telemetry: ConsumerTelemetry;
}

/** A command of the consumer's program besides `run`: `node consumer/src/main.ts NAME --config FILE …`. */
export interface ConsumerCommand {
  name: string;
  /** One line for the table of commands. */
  summary: string;
  /** What `--help` prints: all of its flags, a newline at the end. */
  usage: string;
  /**
   * `args`: everything but the name and `--config FILE`. Resolves with the exit code: 0 fine, 1 found a problem or
   * failed, 2 usage. A USAGE error, or one of parseArgs, is told with the code 2 by main.ts.
   */
  run(args: string[], context: CommandContext): Promise<number>;
}

export const consumerCommands: readonly ConsumerCommand[] = [
  archive,
  replay,
  corrections,
  ledger,
  setAside,
  retention,
  fill,
];
