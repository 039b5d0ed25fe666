import { isMillraceError } from '@millrace/core/errors.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { Flow } from '../../input/flow.ts';
import type { Input, InputContext } from '../../input/input.ts';
import { Child } from '../exec/child.ts';
import { JsonLines } from '../forward/json-lines.ts';
import type { SystemdConfig } from './config.ts';
import { timeKey, writeEntry } from './entry-line.ts';
import { type Entry, ExportReader } from './export-format.ts';

/** Less than a block holds, so that entries and their cursor are stored together. */
const batchBytesMax = 256 * 1024;
const inFlightBytesMax = 2 * 1024 * 1024;
const backoffMinMs = 1_000;
const backoffMaxMs = 60_000;
/** A cursor is kept as long as a host may be away. */
const cursorKeepMs = 10 * 366 * 86_400_000;

const rule: Rule = { v: 1, parse: { type: 'json' }, time: { key: timeKey, type: 'string' } };

/** `<source> @type systemd`. */
export class SystemdInput implements Input {
  readonly #config: SystemdConfig;
  readonly #context: InputContext;
  readonly #note: string;
  readonly #stopping = new AbortController();
  #cursor: string | undefined;
  #child: Child | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: SystemdConfig, context: InputContext) {
    this.#config = config;
    this.#context = context;
    this.#note = `systemd ${config.id}`;
  }

  get finished(): Promise<void> {
    return this.#running;
  }

  async start(): Promise<void> {
    this.#cursor = this.#context.intake.note(this.#note);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#child?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, once, telemetry } = this.#context;
    const { signal } = this.#stopping;
    const { id: source, program } = this.#config;
    let backoff = backoffMinMs;
    while (!signal.aborted) {
      const before = this.#cursor;
      const code = await this.#follow([program, ...this.#args()]);
      if (once || signal.aborted) return;
      telemetry.emit('command_ended', { source, code });
      if (this.#cursor !== before) backoff = backoffMinMs;
      await clock.sleep(backoff, signal);
      backoff = Math.min(backoff * 2, backoffMaxMs);
    }
  }

  /** From the entry of the cursor, which is left out then: what a rotated journal has lost is not taken for it. */
  #args(): string[] {
    const { args, matches, fromHead } = this.#config;
    const head = fromHead || this.#context.once;
    const from =
      this.#cursor === undefined ? (head ? ['--no-tail'] : ['--lines=0']) : [`--cursor=${this.#cursor}`];
    const follow = this.#context.once ? [] : ['--follow', '--no-tail'];
    const tail = from[0] === '--lines=0' ? ['--follow'] : follow;
    return ['--output=export', '--quiet', '--all', ...tail, ...from, ...args, ...matches];
  }

  async #follow(argv: string[]): Promise<number> {
    const { clock, telemetry, intake } = this.#context;
    const { id: source, limits } = this.#config;
    const child = new Child({ source, argv, mergeStderr: false }, clock, telemetry);
    this.#child = child;
    const flow = new Flow(intake, inFlightBytesMax);
    const reader = new ExportReader(limits);
    try {
      for await (const chunk of child.stdout) {
        if (this.#stopping.signal.aborted) continue;
        await this.#take([...reader.feed(chunk as Buffer)], flow);
      }
    } catch (error) {
      child.stop();
      // The agent stops: what is not taken comes again.
      if (!isMillraceError(error, 'OUTBOX_FULL')) throw error;
      this.#stopping.abort();
    }
    await flow.settled();
    this.#child = undefined;
    return child.ended();
  }

  async #take(entries: Entry[], flow: Flow): Promise<void> {
    const lines = new JsonLines();
    for (const entry of entries) {
      const cursor = entry.fields.find(([name]) => name === '__CURSOR')?.[1].toString();
      if (cursor === undefined || cursor === this.#cursor) continue;
      if (entry.cut > 0)
        this.#context.telemetry.emit('journal_fields_cut', { source: this.#config.id, fields: entry.cut });
      const before = lines.size;
      writeEntry(entry, this.#config.entry, lines);
      if (before > 0 && lines.size > batchBytesMax) {
        const all = lines.take();
        await this.#push(all.subarray(0, before), flow);
        await this.#push(Buffer.from(all.subarray(before)), flow, cursor);
      }
      this.#cursor = cursor;
    }
    if (lines.size > 0) await this.#push(lines.take(), flow);
  }

  async #push(bytes: Buffer, flow: Flow, cursor = this.#cursor ?? ''): Promise<void> {
    const { tag } = this.#config;
    const notes = [{ key: this.#note, value: cursor, keepMs: cursorKeepMs }];
    await flow.take({ tag, origin: 'journal', rule, bytes, ack: 'disk', notes });
  }
}
