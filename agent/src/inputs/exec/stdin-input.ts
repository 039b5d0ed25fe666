import type { Readable } from 'node:stream';
import { isMillraceError } from '@millrace/core/errors.ts';
import type { Input, InputContext } from '../../input/input.ts';
import { RecordReader, type RecordSettings } from './record-reader.ts';

/** `<source> @type stdin`: the agent's own standard input, to its end. */
export class StdinInput implements Input {
  readonly #settings: RecordSettings;
  readonly #context: InputContext;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(settings: RecordSettings, context: InputContext) {
    this.#settings = settings;
    this.#context = context;
  }

  get finished(): Promise<void> {
    return this.#running;
  }

  async start(): Promise<void> {
    this.#running = this.#run(process.stdin);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(stream: Readable): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await new RecordReader(this.#settings, this.#context).run(stream, signal);
    } catch (error) {
      // The agent stops: what is not taken was never promised.
      if (!isMillraceError(error, 'OUTBOX_FULL')) throw error;
    }
    if (!signal.aborted) this.#context.telemetry.emit('input_ended', { source: this.#settings.source });
    // Nothing keeps the process alive for what is to come.
    stream.pause();
  }
}
