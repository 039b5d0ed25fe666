import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { type Block, type BlockHeader, payloadBytesMax, type Run } from '@millrace/core/wire/block.ts';

/** One life of a file, or a part of one, as a test writes it down. */
export interface LogFile {
  /** Records without the newline at their end; one that has newlines within is a multi-line record. */
  lines: string[];
  host?: string;
  path?: string;
  tag?: string;
  /** Canonical text of a rule; absent: lines are taken as they are and their time is that of their capture. */
  rule?: string;
  /** Absent: a new one with each use; lines that are loaded and archived need one of their own. */
  generation?: Uint8Array;
  /** Offset of the first line in the generation. */
  from?: number;
  /** When a line was read, milliseconds since 1970; absent: now. */
  capturedMs?: number | ((line: number) => number);
}

/** For `lines` that are JSON objects. */
export const jsonRule = '{"parse":{"type":"json"},"v":1}';

const plainRule = '{"parse":{"type":"none"},"v":1}';
/** Payload of a block; agents gather so much or more. */
const blockBytes = 256 * 1024;

/** The files' lines in blocks, as an agent sends them: one host each, runs of one capture time. */
export function blocksOf(stream: string, files: LogFile[]): Block[] {
  const blocks: Block[] = [];
  let open: OpenBlock | undefined;
  for (const file of files) {
    const { host = 'web-1', from = 0, capturedMs = Date.now() } = file;
    const source = {
      generation: file.generation ?? mintGeneration(systemClock),
      path: file.path ?? '/var/log/app.log',
      tag: file.tag ?? 'app',
    };
    let at = from;
    for (const [i, line] of file.lines.entries()) {
      const atMs = typeof capturedMs === 'number' ? capturedMs : capturedMs(i);
      const bytes = Buffer.from(`${line}\n`);
      for (let cut = 0; cut < bytes.length; cut += payloadBytesMax) {
        const piece = bytes.subarray(cut, cut + payloadBytesMax);
        if (open === undefined || open.header.host !== host || open.bytes + piece.length > blockBytes) {
          if (open !== undefined) blocks.push(open.close());
          open = new OpenBlock(stream, host);
        }
        const continued = cut + piece.length < bytes.length;
        open.add({ ...source, rule: file.rule ?? plainRule }, piece, at + cut, atMs, cut > 0, continued);
      }
      at += bytes.length;
    }
  }
  if (open !== undefined) blocks.push(open.close());
  return blocks;
}

class OpenBlock {
  readonly header: BlockHeader;
  bytes = 0;
  readonly #payload: Buffer[] = [];
  /** Whether a record of the last run has newlines within. */
  #multiline = false;

  constructor(stream: string, host: string) {
    this.header = { host, agent: Buffer.alloc(16, 7), stream, rules: [], sources: [], runs: [] };
  }

  add(
    source: { generation: Uint8Array; path: string; tag: string; rule: string },
    record: Buffer,
    offset: number,
    capturedMs: number,
    continues: boolean,
    continued: boolean,
  ): void {
    const index = this.#source(source);
    let run = this.header.runs.at(-1);
    const goesOn =
      run !== undefined &&
      run.source === index &&
      run.to === offset &&
      run.capturedMs === capturedMs &&
      !run.continued &&
      !continues;
    if (run === undefined || !goesOn) {
      this.#endRun();
      run = this.#run(index, offset, capturedMs, continues);
    }
    run.to += record.length;
    run.size += record.length;
    run.lengths?.push(record.length);
    if (record.indexOf(0x0a) < record.length - 1 && record.includes(0x0a)) this.#multiline = true;
    this.#payload.push(record);
    this.bytes += record.length;
    // Such a piece fills its block: there is no room for a filler.
    if (continued) run.continued = true;
  }

  close(): Block {
    this.#endRun();
    return { header: this.header, payload: Buffer.concat(this.#payload) };
  }

  #source({ generation, path, tag, rule }: Parameters<OpenBlock['add']>[0]): number {
    const { sources, rules } = this.header;
    const known = sources.findIndex(
      (item) => item.generation === generation && item.tag === tag && rules[item.rule] === rule,
    );
    if (known >= 0) return known;
    if (!rules.includes(rule)) rules.push(rule);
    return sources.push({ generation, path, tag, rule: rules.indexOf(rule) }) - 1;
  }

  #run(source: number, offset: number, capturedMs: number, continues: boolean): Run {
    const run: Run = {
      source,
      from: offset,
      to: offset,
      capturedMs,
      size: 0,
      filler: false,
      continues,
      continued: false,
      lengths: [],
    };
    this.header.runs.push(run);
    return run;
  }

  /** Where newlines end records nothing more need be said. */
  #endRun(): void {
    const run = this.header.runs.at(-1);
    if (run !== undefined && !this.#multiline) delete run.lengths;
    this.#multiline = false;
  }
}
