import { MillraceError } from '../errors.ts';
import { type ForeignOrigin, foreignGeneration } from '../ids/event-id.ts';
import { type Block, type BlockHeader, payloadBytesMax, type Run } from '../wire/block.ts';
import { encodeBlock } from '../wire/encode.ts';
import { type ContentOptions, readContent } from './content.ts';
import { eventPieces, type Piece } from './pieces.ts';

/** A Kinesis record that is no Millrace block. */
export interface ForeignRecord extends ForeignOrigin {
  data: Buffer;
  /** When Kinesis received it, milliseconds since 1970. */
  arrivalMs: number;
}

export interface WrapOptions extends ContentOptions {
  /** Millrace stream of the events. */
  stream: string;
  tag: string;
}

/** A foreign record as blocks. */
export interface Wrapped {
  /** Why there is none, when there is none: no content, or only a question of CloudWatch Logs. */
  kind: 'events' | 'empty' | 'control';
  blocks: { bytes: Buffer; block: Block }[];
}

/**
 * Makes Millrace blocks of a foreign record: its content (decompressed; of a CloudWatch Logs envelope its events as
 * NDJSON) is one generation that the record's place in Kinesis names. A function of the record and the options: a
 * record that is delivered again makes the same blocks, so that readers keep one of each and ids are the same.
 * @throws MillraceError WIRE_CORRUPT or WIRE_LIMIT for what no events are made of
 */
export function wrapForeign(record: ForeignRecord, options: WrapOptions): Wrapped {
  const content = readContent(record.data, options);
  if (!('bytes' in content)) return { kind: content.kind, blocks: [] };
  const capturedMs = validTime(record.arrivalMs);
  const path =
    content.kind === 'cloudwatch'
      ? `${content.envelope.group}:${content.envelope.stream}`
      : `kinesis://${record.stream}/${record.shard}`;
  const builder = new BlockBuilder(content.bytes, {
    host: `kinesis:${record.stream}`,
    stream: options.stream,
    generation: foreignGeneration(record),
    path: path.slice(0, pathUnitsMax).toWellFormed(),
    tag: options.tag,
    capturedMs,
  });
  for (const piece of eventPieces(content, capturedMs, options.eventsMax)) builder.add(piece);
  return { kind: 'events', blocks: builder.finish() };
}

const pathUnitsMax = 4_096;
/** Bounds the header beside a payload that does not compress. */
const runsPerBlockMax = 1_024;
const lengthsPerBlockMax = 8_192;

/** Kinesis always gives one; a stand-in may not. */
function validTime(arrivalMs: number): number {
  if (Number.isSafeInteger(arrivalMs) && arrivalMs >= 0) return arrivalMs;
  throw new MillraceError('WIRE_CORRUPT', `a record that arrived at ${arrivalMs}`);
}

interface Labels {
  host: string;
  stream: string;
  generation: Uint8Array;
  path: string;
  tag: string;
  capturedMs: number;
}

/** Neighbouring pieces of one rule are one run. */
class BlockBuilder {
  readonly #content: Buffer;
  readonly #labels: Labels;
  readonly #blocks: Wrapped['blocks'] = [];
  #runs: Run[] = [];
  #rules = new Map<string, number>();
  #parts: Uint8Array[] = [];
  #size = 0;
  #lengths = 0;

  constructor(content: Buffer, labels: Labels) {
    this.#content = content;
    this.#labels = labels;
  }

  add(piece: Piece): void {
    const size = piece.to - piece.from;
    const room = payloadBytesMax - this.#size - 1;
    if (this.#runs.length > 0 && (size > room || this.#runs.length >= runsPerBlockMax)) this.#flush();
    if (this.#lengths >= lengthsPerBlockMax) this.#flush();
    const source = this.#source(piece.rule);
    const last = this.#runs.at(-1);
    if (last !== undefined && joins(last, source, piece)) {
      last.to = piece.to;
      last.size += size;
      last.lengths?.push(size);
      this.#size += size;
    } else {
      if (last !== undefined) this.#fillUp(last);
      this.#runs.push(runOf(piece, source, this.#labels.capturedMs));
      this.#size += size;
    }
    this.#lengths += piece.framed ? 1 : 0;
    this.#parts.push(this.#content.subarray(piece.from, piece.to));
  }

  finish(): Wrapped['blocks'] {
    this.#flush();
    return this.#blocks;
  }

  /** A newline behind a run that has none, so that lines stay apart under `zstd -dc`. */
  #fillUp(run: Run): void {
    if (this.#content[run.to - 1] === 0x0a || this.#size >= payloadBytesMax) return;
    run.filler = true;
    this.#parts.push(newline);
    this.#size++;
  }

  #source(rule: string): number {
    let index = this.#rules.get(rule);
    if (index === undefined) {
      index = this.#rules.size;
      this.#rules.set(rule, index);
    }
    return index;
  }

  #flush(): void {
    const last = this.#runs.at(-1);
    if (last === undefined) return;
    this.#fillUp(last);
    const { host, stream, generation, path, tag } = this.#labels;
    const rules = [...this.#rules.keys()];
    const header: BlockHeader = {
      host,
      // No agent: nothing is expected of it.
      agent: Buffer.alloc(16),
      stream,
      rules,
      sources: rules.map((_, rule) => ({ generation, path, tag, rule })),
      runs: this.#runs,
    };
    const payload = Buffer.concat(this.#parts);
    this.#blocks.push({ bytes: encodeBlock(header, payload), block: { header, payload } });
    this.#runs = [];
    this.#rules = new Map();
    this.#parts = [];
    this.#size = 0;
    this.#lengths = 0;
  }
}

const newline = Buffer.from('\n');

function runOf({ from, to, framed, continues, continued }: Piece, source: number, capturedMs: number): Run {
  const run: Run = { source, from, to, capturedMs, size: to - from, filler: false, continues, continued };
  if (framed) run.lengths = [to - from];
  return run;
}

/** Pieces of one long record stay alone: their flags are about the ends of their runs. */
function joins(last: Run, source: number, piece: Piece): boolean {
  if (last.source !== source || last.to !== piece.from || last.continued || piece.continues) return false;
  return !piece.continued && !last.continues && (last.lengths !== undefined) === piece.framed;
}
