import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { isoTime } from '@millrace/core/parse/calendar.ts';
import { compileDecoder, isUtf8 } from '@millrace/core/parse/encoding.ts';
import type { Parsed } from '@millrace/core/parse/parsed.ts';
import { type CompiledRule, compileRule } from '@millrace/core/parse/registry.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { Tail, type TailOptions } from 'tail';
import type { Framing, TailSource } from '../config/pipeline.ts';

export interface FollowOutput {
  write(text: string): void;
  clock: Clock;
  /** Ends the preview. */
  signal: AbortSignal;
}

interface FollowRequest {
  file: string;
  /** Last lines to begin with. */
  lines: number;
  source: Pick<TailSource, 'framing' | 'rule' | 'multilineFlushMs'>;
}

/** Longest multiline record that is gathered, lines. */
const groupLinesMax = 1_000;

/**
 * Follows a file and writes each record as its parser reads it, until the signal aborts.
 * @throws MillraceError USAGE when the file cannot be followed
 */
export async function followFile(request: FollowRequest, output: FollowOutput): Promise<void> {
  const rule = compileRule(request.source.rule);
  const records = new Gatherer(request.source, output, (text) =>
    output.write(recordText(text, rule, output.clock.now())),
  );
  const decode = lineDecoder(request.source.rule.encoding);
  const tail = openTail(request, output);
  try {
    await new Promise<void>((stopped, failed) => {
      output.signal.addEventListener('abort', () => stopped(), { once: true });
      if (output.signal.aborted) stopped();
      tail.on('line', (line) => records.add(decode(line)));
      tail.on('error', (error) => failed(unreadable(request.file, error)));
    });
    records.flush();
  } finally {
    records.stop();
    tail.unwatch();
  }
}

function openTail({ file, lines, source }: FollowRequest, output: FollowOutput): Tail {
  const utf8 = isUtf8(source.rule.encoding);
  const options: TailOptions = { encoding: utf8 ? 'utf-8' : 'latin1' };
  // The package counts the bytes of the last lines in UTF-8 whatever the encoding is.
  if (lines > 0 && utf8) options.nLines = lines;
  if (lines > 0 && !utf8) output.write(`(${source.rule.encoding}: new lines only)\n`);
  try {
    return new Tail(file, options);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): MillraceError {
  return new MillraceError('USAGE', `preview: ${file} cannot be followed: ${messageOf(error)}`);
}

/** Bytes that are not UTF-8 come as one character each and are decoded by the rule's encoding. */
function lineDecoder(encoding: string | undefined): (line: string) => string {
  if (isUtf8(encoding)) return (line) => line;
  const decode = compileDecoder(encoding);
  return (line) => {
    const bytes = Buffer.from(line, 'latin1');
    return decode(bytes, 0, bytes.length);
  };
}

/** Joins the lines of multiline records as the agent cuts them. */
class Gatherer {
  readonly #source: FollowRequest['source'];
  readonly #output: FollowOutput;
  readonly #emit: (text: string) => void;
  #lines: string[] = [];
  #timer = new AbortController();

  constructor(source: FollowRequest['source'], output: FollowOutput, emit: (text: string) => void) {
    this.#source = source;
    this.#output = output;
    this.#emit = emit;
  }

  add(line: string): void {
    const { framing, multilineFlushMs } = this.#source;
    if (framing.type === 'newline') {
      this.#emit(line);
      return;
    }
    if (begins(framing, line) || this.#lines.length >= groupLinesMax) this.flush();
    this.#lines.push(line);
    this.stop();
    if (multilineFlushMs === 0) return;
    const timer = new AbortController();
    this.#timer = timer;
    void this.#output.clock.sleep(multilineFlushMs, timer.signal).then(() => {
      if (!timer.signal.aborted) this.flush();
    });
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('\n');
    this.#lines = [];
    this.#emit(text);
  }

  stop(): void {
    this.#timer.abort();
  }
}

/** Containers' messages in parts, and records that end where a format matches, are shown line by line. */
function begins(framing: Framing, line: string): boolean {
  if (framing.type === 'multiline') return framing.firstline.test(line);
  return framing.type !== 'continuation' || !framing.continuation.test(line);
}

function recordText(text: string, rule: CompiledRule, nowMs: number): string {
  const parsed = rule.parse(text, nowMs);
  const rows: [string, string][] = [
    ['time', parsed.time ? isoTime(parsed.time) : 'none of its own'],
    ...rowsOf(parsed),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.map(([name, value]) => `    ${name.padEnd(width)}${value}`);
  return `${text}\n${lines.join('\n')}\n`;
}

function rowsOf({ access, fields, message, level, error }: Parsed): [string, string][] {
  const rows: [string, string][] = [];
  if (level !== undefined) rows.push(['level', level]);
  if (message !== undefined) rows.push(['message', valueText(message)]);
  for (const part of [access, fields])
    for (const [name, value] of Object.entries(part ?? {}))
      if (value !== undefined && !(part === access && name === 'time')) rows.push([name, valueText(value)]);
  if (error) rows.push([`error (${error.type})`, error.message]);
  return rows;
}

function valueText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) ?? '';
}
