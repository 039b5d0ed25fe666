import type { Readable } from 'node:stream';
import type { CompiledRule } from '@millrace/core/parse/registry.ts';
import { compileRule } from '@millrace/core/parse/registry.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import type { Framing } from '../../config/pipeline.ts';
import type { AgentTelemetry } from '../../events.ts';
import { Flow } from '../../input/flow.ts';
import type { Intake } from '../../input/input.ts';
import { cutRecords } from '../../tail/framing.ts';

/** Bytes that are read and not stored; a pipe is read no further then, and its writer waits. */
const inFlightBytesMax = 2 * 1024 * 1024;
const tagMax = 256;

export interface RecordSettings {
  source: string;
  origin: string;
  /** Of records that name none. */
  tag: string;
  /** Field that names the tag. */
  tagKey: string | undefined;
  framing: Framing;
  rule: Rule;
  /** A record of several lines that may go on is taken after this. */
  flushMs: number;
}

interface Context {
  intake: Intake;
  clock: Clock;
  telemetry: AgentTelemetry;
}

/** Puts what a pipe holds into the intake, record by record, as fast as it is stored. */
export class RecordReader {
  readonly #settings: RecordSettings;
  readonly #context: Context;
  readonly #flow: Flow;
  readonly #compiled: CompiledRule;
  #pending: Buffer = Buffer.alloc(0);

  constructor(settings: RecordSettings, context: Context) {
    this.#settings = settings;
    this.#context = context;
    this.#flow = new Flow(context.intake, inFlightBytesMax);
    // Its steps may remove what names the tag.
    const { steps: _, ...reading } = settings.rule;
    this.#compiled = compileRule(reading);
  }

  /**
   * Reads to the end of the pipe, or until the signal; then what was read is stored, an unfinished record too.
   * @throws MillraceError OUTBOX_FULL when the agent stops first
   */
  async run(stream: Readable, signal: AbortSignal): Promise<void> {
    const grouped = this.#settings.framing.type !== 'newline';
    while (!signal.aborted) {
      const wait = grouped && this.#pending.length > 0 ? this.#settings.flushMs : 0;
      const chunk = await nextChunk(stream, signal, this.#context.clock, wait);
      if (chunk === 'end') break;
      if (chunk === 'late') {
        await this.#cut(true);
        continue;
      }
      this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
      await this.#cut(false);
    }
    await this.#cut(true);
    await this.#flow.settled();
  }

  async #cut(final: boolean): Promise<void> {
    while (this.#pending.length > 0) {
      const cut = cutRecords(this.#settings.framing, this.#pending, payloadBytesMax, final);
      if (cut.size === 0) return;
      const bytes = Buffer.from(this.#pending.subarray(0, cut.size));
      this.#pending = this.#pending.subarray(cut.size);
      const { source } = this.#settings;
      if (cut.continued) this.#context.telemetry.emit('record_cut', { source, size: cut.size });
      await this.#take(bytes, cut.lengths ?? (bytes.at(-1) === 0x0a ? undefined : lineLengths(bytes)));
    }
  }

  async #take(bytes: Buffer, lengths: number[] | undefined): Promise<void> {
    const { tag, tagKey, origin, rule } = this.#settings;
    const push = async (name: string, part: Buffer, sizes: number[] | undefined) => {
      const batch = { tag: name, origin, rule, bytes: part, ack: 'disk' as const };
      await this.#flow.take({ ...batch, ...(sizes ? { lengths: sizes } : {}) });
    };
    if (tagKey === undefined) {
      await push(tag, bytes, lengths);
      return;
    }
    // Neighbours of one tag go together.
    const sizes = lengths ?? lineLengths(bytes);
    let from = 0;
    for (let i = 0; i < sizes.length; ) {
      const first = i;
      const start = from;
      const name = this.#tagOf(bytes.subarray(from, from + (sizes[i] ?? 0)), tagKey);
      do from += sizes[i++] ?? 0;
      while (i < sizes.length && this.#tagOf(bytes.subarray(from, from + (sizes[i] ?? 0)), tagKey) === name);
      await push(name, bytes.subarray(start, from), lengths ? sizes.slice(first, i) : undefined);
    }
  }

  #tagOf(record: Buffer, key: string): string {
    const text = record.toString().replace(/\r?\n$/, '');
    const { fields } = this.#compiled.parse(text, this.#context.clock.now());
    const found = fields && Object.hasOwn(fields, key) ? fields[key] : undefined;
    const name = typeof found === 'string' || typeof found === 'number' ? String(found) : '';
    return name === '' || name.length > tagMax || /[\s\p{Cc}]/u.test(name) ? this.#settings.tag : name;
  }
}

function lineLengths(bytes: Buffer): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at) + 1 || bytes.length;
    lengths.push(end - at);
    at = end;
  }
  return lengths;
}

/**
 * Leaves in the stream what it does not return, so that somebody else can read on. `late`: nothing came for `waitMs`
 * (0: however long).
 */
async function nextChunk(
  stream: Readable,
  signal: AbortSignal,
  clock: Clock,
  waitMs: number,
): Promise<Buffer | 'end' | 'late'> {
  const over = new AbortController();
  let late = false;
  try {
    for (;;) {
      const chunk: Buffer | null = stream.read();
      if (chunk !== null) return chunk;
      if (signal.aborted || stream.readableEnded || stream.destroyed) return 'end';
      if (late) return 'late';
      await new Promise<void>((resolve) => {
        const events = ['readable', 'end', 'close', 'error'];
        const done = () => {
          for (const event of events) stream.off(event, done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        for (const event of events) stream.on(event, done);
        signal.addEventListener('abort', done);
        if (waitMs > 0)
          void clock.sleep(waitMs, over.signal).then(() => {
            late = !over.signal.aborted;
            done();
          });
      });
    }
  } finally {
    over.abort();
  }
}
