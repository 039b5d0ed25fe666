import { isMillraceError } from '@millrace/core/errors.ts';
import type { Input, InputContext } from '../../input/input.ts';
import { Child } from './child.ts';
import type { ExecConfig } from './config.ts';
import { RecordReader } from './record-reader.ts';

const backoffMinMs = 1_000;
const backoffMaxMs = 60_000;
/** A command that ran as long as this has not failed at its start. */
const steadyMs = 60_000;

/** `<source> @type exec`. */
export class ExecInput implements Input {
  readonly #config: ExecConfig;
  readonly #context: InputContext;
  readonly #stopping = new AbortController();
  readonly #never = new AbortController();
  #child: Child | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: ExecConfig, context: InputContext) {
    this.#config = config;
    this.#context = context;
  }

  get finished(): Promise<void> {
    return this.#running;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#child?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { runIntervalMs } = this.#config;
    const { clock, once } = this.#context;
    const { signal } = this.#stopping;
    let backoff = backoffMinMs;
    if (runIntervalMs !== undefined && !once) await clock.sleep(runIntervalMs, signal);
    while (!signal.aborted) {
      const began = clock.monotonic();
      await this.#runCommand();
      if (once) return;
      const ran = clock.monotonic() - began;
      backoff = ran >= steadyMs ? backoffMinMs : backoff;
      await clock.sleep(runIntervalMs ?? backoff, signal);
      backoff = Math.min(backoff * 2, backoffMaxMs);
    }
  }

  async #runCommand(): Promise<void> {
    const { records, argv, mergeStderr, runIntervalMs } = this.#config;
    const { clock, telemetry } = this.#context;
    const { source } = records;
    const child = new Child({ source, argv, mergeStderr }, clock, telemetry);
    this.#child = child;
    try {
      // To its end, also when it was told to end: what it has written is read.
      await new RecordReader(records, this.#context).run(child.stdout, this.#never.signal);
    } catch (error) {
      child.stop();
      // The agent stops: what is not taken was never promised.
      if (!isMillraceError(error, 'OUTBOX_FULL')) throw error;
      this.#stopping.abort();
    }
    const code = await child.ended();
    this.#child = undefined;
    const expected = this.#stopping.signal.aborted || (runIntervalMs !== undefined && code === 0);
    if (!expected) telemetry.emit('command_ended', { source, code });
  }
}
